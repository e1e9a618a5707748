//! One value of a row: as the database stores it, and as it stands in a line of JSON.
//!
//! Numbers and texts are JSON's own. What JSON lacks stands in an object of one field, which no
//! other value is: `{"blob":"00ff"}` for bytes, `{"real":"inf"}` for a number without end.

use std::fmt;

use serde::{
    Deserialize, Deserializer, Serialize, Serializer,
    de::{DeserializeSeed, Error, MapAccess, Visitor},
};
#[cfg(feature = "cluster")]
use sqlx::any::{Any, AnyArguments, AnyRow, AnyTypeInfoKind};
use sqlx::{
    Row, Sqlite, TypeInfo, ValueRef,
    query::Query,
    sqlite::{SqliteArguments, SqliteRow},
};

use crate::{domain::digest::hex, storage::shown::shown};

const BLOB: &str = "blob";
const REAL: &str = "real";

/// A value with the type that the database stored it by, whatever its column was declared as.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum Value {
    Null,
    Integer(i64),
    Real(f64),
    Text(String),
    Blob(Vec<u8>),
}

impl Value {
    /// Column `n` of a row.
    pub(super) fn of(row: &SqliteRow, n: usize) -> Result<Self, sqlx::Error> {
        let raw = row.try_get_raw(n)?;
        if raw.is_null() {
            return Ok(Self::Null);
        }
        // Unchecked, since the check compares with the declared type.
        Ok(match raw.type_info().name() {
            "INTEGER" => Self::Integer(row.try_get_unchecked(n)?),
            "REAL" => Self::Real(row.try_get_unchecked(n)?),
            "BLOB" => Self::Blob(row.try_get_unchecked(n)?),
            _ => Self::Text(row.try_get_unchecked(n)?),
        })
    }

    /// Gives a query its next value.
    pub(super) fn bind(
        self,
        query: Query<'_, Sqlite, SqliteArguments>,
    ) -> Query<'_, Sqlite, SqliteArguments> {
        match self {
            Self::Null => query.bind(None::<i64>),
            Self::Integer(value) => query.bind(value),
            Self::Real(value) => query.bind(value),
            Self::Text(value) => query.bind(value),
            Self::Blob(value) => query.bind(value),
        }
    }
}

#[cfg(feature = "cluster")]
impl Value {
    /// Column `n` of a row of any database.
    pub(super) fn of_any(row: &AnyRow, n: usize) -> Result<Self, sqlx::Error> {
        let raw = row.try_get_raw(n)?;
        if raw.is_null() {
            return Ok(Self::Null);
        }
        Ok(match raw.type_info().kind() {
            AnyTypeInfoKind::SmallInt | AnyTypeInfoKind::Integer | AnyTypeInfoKind::BigInt => {
                Self::Integer(row.try_get(n)?)
            }
            AnyTypeInfoKind::Real | AnyTypeInfoKind::Double => Self::Real(row.try_get(n)?),
            AnyTypeInfoKind::Blob => Self::Blob(row.try_get(n)?),
            _ => Self::Text(row.try_get(n)?),
        })
    }

    /// Gives a query to any database its next value, for a column declared as `kind` in SQLite.
    pub(super) fn bind_any<'q>(
        self,
        query: Query<'q, Any, AnyArguments>,
        kind: &str,
    ) -> Query<'q, Any, AnyArguments> {
        match (self, kind) {
            // Others want to know what it is that is missing.
            (Self::Null, "INTEGER") => query.bind(None::<i64>),
            (Self::Null, "REAL") => query.bind(None::<f64>),
            (Self::Null, "BLOB") => query.bind(None::<Vec<u8>>),
            (Self::Null, _) => query.bind(None::<String>),
            (Self::Integer(value), _) => query.bind(value),
            (Self::Real(value), _) => query.bind(value),
            (Self::Text(value), _) => query.bind(value),
            (Self::Blob(value), _) => query.bind(value),
        }
    }
}

impl Serialize for Value {
    fn serialize<S: Serializer>(&self, to: S) -> Result<S::Ok, S::Error> {
        match self {
            Self::Null => to.serialize_unit(),
            Self::Integer(value) => to.serialize_i64(*value),
            Self::Real(value) if value.is_finite() => to.serialize_f64(*value),
            // There is no NaN: the database stores NULL instead.
            Self::Real(value) => to.collect_map([(REAL, value.to_string())]),
            Self::Text(value) => to.serialize_str(value),
            Self::Blob(value) => to.collect_map([(BLOB, hex(value))]),
        }
    }
}

impl<'de> Deserialize<'de> for Value {
    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        from.deserialize_any(AnyValue)
    }
}

struct AnyValue;

// Lists are refused by not being read: short ones in a long line would take many times its memory.
impl<'de> Visitor<'de> for AnyValue {
    type Value = Value;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("null, a number of at most 64 bits, a text, or an object `blob` or `real`")
    }

    fn visit_unit<E: Error>(self) -> Result<Value, E> {
        Ok(Value::Null)
    }

    fn visit_i64<E: Error>(self, value: i64) -> Result<Value, E> {
        Ok(Value::Integer(value))
    }

    fn visit_u64<E: Error>(self, value: u64) -> Result<Value, E> {
        // One that does not fit must not become a number nearby.
        let value = i64::try_from(value);
        value.map(Value::Integer).map_err(|e| E::custom(e))
    }

    fn visit_f64<E: Error>(self, value: f64) -> Result<Value, E> {
        Ok(Value::Real(value))
    }

    fn visit_str<E: Error>(self, value: &str) -> Result<Value, E> {
        Ok(Value::Text(value.to_owned()))
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Value, A::Error> {
        let (Some((kind, text)), None) = (
            map.next_entry::<String, String>()?,
            map.next_key::<String>()?,
        ) else {
            return Err(A::Error::custom("an object must have one field"));
        };
        let value = match (kind.as_str(), text.as_str()) {
            (BLOB, hex) => unhex(hex).map(Value::Blob),
            (REAL, "inf") => Some(Value::Real(f64::INFINITY)),
            (REAL, "-inf") => Some(Value::Real(f64::NEG_INFINITY)),
            _ => None,
        };
        value.ok_or_else(|| A::Error::custom("an object must hold a `blob` or a `real`"))
    }
}

fn unhex(text: &str) -> Option<Vec<u8>> {
    let digit = |c: u8| {
        char::from(c)
            .to_digit(16)
            .and_then(|d| u8::try_from(d).ok())
    };
    let (pairs, rest) = text.as_bytes().as_chunks::<2>();
    if !rest.is_empty() {
        return None;
    }
    let bytes = pairs.iter();
    bytes
        .map(|[high, low]| Some(digit(*high)? * 16 + digit(*low)?))
        .collect()
}

/// The values of a line, in the order of these columns: all of them must be there, once, and no
/// others.
pub(super) fn parse(columns: &[String], line: &[u8]) -> Result<Vec<Value>, String> {
    let mut json = serde_json::Deserializer::from_slice(line);
    let values = Columns(columns).deserialize(&mut json);
    values
        .and_then(|values| json.end().map(|()| values))
        .map_err(|e| shown(&e))
}

/// A row as a line, its end included.
pub(super) fn write(columns: &[String], values: &[Value]) -> Result<Vec<u8>, serde_json::Error> {
    struct Line<'a>(&'a [String], &'a [Value]);
    impl Serialize for Line<'_> {
        fn serialize<S: Serializer>(&self, to: S) -> Result<S::Ok, S::Error> {
            to.collect_map(self.0.iter().zip(self.1))
        }
    }
    let mut line = serde_json::to_vec(&Line(columns, values))?;
    line.push(b'\n');
    Ok(line)
}

struct Columns<'a>(&'a [String]);

impl<'de> DeserializeSeed<'de> for Columns<'_> {
    type Value = Vec<Value>;

    fn deserialize<D: Deserializer<'de>>(self, from: D) -> Result<Self::Value, D::Error> {
        from.deserialize_map(self)
    }
}

impl<'de> Visitor<'de> for Columns<'_> {
    type Value = Vec<Value>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an object of columns")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Self::Value, A::Error> {
        let mut values = vec![None; self.0.len()];
        // Refused at once: a row of many other columns must not be kept until its end.
        while let Some(column) = map.next_key::<String>()? {
            let Some(n) = self.0.iter().position(|c| *c == column) else {
                return Err(A::Error::custom(format!("there is no column `{column}`")));
            };
            if values[n].replace(map.next_value()?).is_some() {
                return Err(A::Error::custom(format!(
                    "column `{column}` is there twice"
                )));
            }
        }
        let all = values.into_iter().zip(self.0).map(|(value, column)| {
            value.ok_or_else(|| A::Error::custom(format!("it has no column `{column}`")))
        });
        all.collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn columns() -> [String; 2] {
        ["a", "b"].map(str::to_owned)
    }

    #[test]
    fn a_line_has_every_column_once_and_no_other() {
        let values = parse(&columns(), b"{\"b\":1,\"a\":null}\n").unwrap();
        assert_eq!(values, [Value::Null, Value::Integer(1)]);
        for (line, wanted) in [
            ("{\"a\":1}", "no column `b`"),
            ("{\"a\":1,\"b\":2,\"c\":3}", "no column `c`"),
            ("{\"a\":1,\"b\":2,\"a\":3}", "`a` is there twice"),
            ("{\"a\":1,\"b\":2} {}", "trailing characters"),
            ("[1,2]", "expected an object of columns"),
            ("{\"a\":1,\"b\":2", "EOF"),
            ("", "EOF"),
            ("{\"a\\u001b[2J\":1}", "no column `a [2J`"),
        ] {
            let why = parse(&columns(), line.as_bytes()).unwrap_err();
            assert!(why.contains(wanted), "{line}: {why}");
        }
    }

    #[test]
    fn a_value_that_no_column_holds_is_refused() {
        for value in [
            "18446744073709551615",
            "1e999",
            "true",
            "[1]",
            "{}",
            "{\"blob\":\"0\"}",
            "{\"blob\":\"0g\"}",
            "{\"blob\":\"é\"}",
            "{\"blob\":1}",
            "{\"real\":\"nan\"}",
            "{\"blob\":\"00\",\"real\":\"inf\"}",
        ] {
            let line = format!("{{\"a\":1,\"b\":{value}}}");
            assert!(parse(&columns(), line.as_bytes()).is_err(), "{value}");
        }
    }
}
