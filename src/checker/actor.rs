//! Who asks, in which role, and for which brands.

use super::ports::StoreError;

/// What somebody may do.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Role {
    /// Submits photos of listings and disputes for sellers, and reads the answers.
    Pipeline,
    /// Looks after the references of one brand.
    Brand,
    /// Decides about checks that were flagged or disputed.
    Reviewer,
    /// Reads everything and changes nothing.
    Auditor,
    /// May do everything.
    Admin,
}

impl Role {
    /// All roles.
    pub const ALL: [Self; 5] = [
        Self::Pipeline,
        Self::Brand,
        Self::Reviewer,
        Self::Auditor,
        Self::Admin,
    ];

    /// The name that callers and the database know it by.
    pub fn name(self) -> &'static str {
        match self {
            Self::Pipeline => "pipeline",
            Self::Brand => "brand",
            Self::Reviewer => "reviewer",
            Self::Auditor => "auditor",
            Self::Admin => "admin",
        }
    }

    /// The role of that name.
    pub fn from_name(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|role| role.name() == name)
    }
}

/// Who asks for something to be done: the first thing that every use case is told.
// Made where a caller is known, at the edge. Nothing behind it guesses.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Actor {
    name: String,
    label: Option<String>,
    role: Role,
    brands: Option<Vec<String>>,
    request: Option<String>,
}

impl Actor {
    /// Whoever sits at this machine and can read the data folder anyway.
    pub fn local() -> Self {
        Self::new("local", Role::Admin, None)
    }

    /// Somebody of that name, who sees these brands only; `None` for all.
    pub fn new(name: impl Into<String>, role: Role, brands: Option<Vec<String>>) -> Self {
        Self {
            name: name.into(),
            label: None,
            role,
            brands,
            request: None,
        }
    }

    /// The same under a name for people.
    pub fn called(self, label: impl Into<String>) -> Self {
        Self {
            label: Some(label.into()),
            ..self
        }
    }

    /// The same within a request, whose id is kept with what they did.
    pub fn within(self, request: impl Into<String>) -> Self {
        Self {
            request: Some(request.into()),
            ..self
        }
    }

    /// The name that is kept with what they did.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// The name that people know them by; no two need differ in it.
    pub fn label(&self) -> &str {
        self.label.as_deref().unwrap_or(&self.name)
    }

    /// What they may do.
    pub fn role(&self) -> Role {
        self.role
    }

    /// The brands that they see; `None` for all.
    pub fn brands(&self) -> Option<&[String]> {
        self.brands.as_deref()
    }

    /// Whether they see a brand.
    pub fn sees(&self, brand: &str) -> bool {
        self.brands()
            .is_none_or(|brands| brands.iter().any(|b| b == brand))
    }

    /// Refuses a brand that they do not see as one that does not exist.
    // Before anything is looked up: what exists and what does not take the same time then.
    pub(super) fn must_see(&self, brand: &str) -> Result<(), StoreError> {
        if self.sees(brand) {
            return Ok(());
        }
        Err(StoreError::NotFound {
            what: "brand",
            id: brand.to_owned(),
        })
    }

    /// Id of the request that they ask within.
    pub fn request(&self) -> Option<&str> {
        self.request.as_deref()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_role_is_found_by_its_name() {
        for role in Role::ALL {
            assert_eq!(Role::from_name(role.name()), Some(role));
        }
        assert_eq!(Role::from_name("owner"), None);
    }

    #[test]
    fn who_is_limited_to_brands_sees_no_other() {
        let limited = Actor::new("k", Role::Brand, Some(vec!["acme".to_owned()]));
        assert!(limited.sees("acme") && !limited.sees("acme2") && !limited.sees(""));
        assert!(Actor::local().sees("acme"));
    }
}
