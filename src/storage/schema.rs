//! A database's schema, step by step.

use sqlx::{
    SqlSafeStr,
    migrate::{Migration, MigrationType, Migrator},
};

/// A step: number, name, statements. (`sqlx::migrate!` would embed them too, but its macros build a
/// second SQLite for the compiler.)
pub(super) type Step = (i64, &'static str, &'static str);

/// Brings a database to a schema, each step in a transaction.
pub(super) fn migrator(steps: &[Step]) -> Migrator {
    let migrations = steps.iter().map(|(version, name, statements)| {
        Migration::new(
            *version,
            (*name).into(),
            MigrationType::Simple,
            statements.into_sql_str(),
            false,
        )
    });
    Migrator::with_migrations(migrations.collect())
}

/// Whether a folder below `migrations` holds the files of these steps and no others.
#[cfg(test)]
pub(super) fn lists_all_files(steps: &[Step], folder: &str) {
    let folder = std::path::Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("src/storage/migrations")
        .join(folder);
    let names = std::fs::read_dir(folder)
        .unwrap()
        .map(|f| f.unwrap().file_name().into_string().unwrap());
    let mut files: Vec<String> = names.collect();
    files.sort();
    let steps = steps
        .iter()
        .map(|(version, name, _)| format!("{version:04}_{name}.sql"));
    assert_eq!(files, steps.collect::<Vec<_>>());
}
