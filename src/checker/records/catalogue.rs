//! Brands and products.

use async_trait::async_trait;

use crate::{
    checker::{actor::Actor, ports::StoreError},
    domain::gallery::ProductKey,
};

/// What an owner sets of a brand or a product.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Settings {
    /// Share of genuine checks that may be flagged, 0 to 1, both exclusive; `None` for the brand's,
    /// and where that has none for the operator's.
    pub budget: Option<f64>,
    /// Whether it is retired: no longer searched nor claimed, and kept for earlier checks.
    pub retired: bool,
}

/// What is changed of a brand or a product; what is `None` stays.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Change {
    /// Another name for people.
    pub name: Option<String>,
    /// Another budget, or none of its own.
    pub budget: Option<Option<f64>>,
    /// Whether it is retired from now on.
    pub retired: Option<bool>,
}

/// A brand.
#[derive(Clone, Debug, PartialEq)]
pub struct Brand {
    /// Id: 1 to 64 of `a-z`, `0-9`, `-`, `_`, `.`, starting with a letter or digit.
    pub id: String,
    /// Name for people, 1 to 200 characters.
    pub name: String,
    /// What its owner sets.
    pub settings: Settings,
}

/// A product of a brand.
#[derive(Clone, Debug, PartialEq)]
pub struct Product {
    /// Brand and product id; the product's id has the form of a brand's.
    pub key: ProductKey,
    /// Name for people, 1 to 200 characters.
    pub name: String,
    /// What its owner sets.
    pub settings: Settings,
}

/// Keeps brands and products.
#[async_trait]
pub trait Catalogue: Send + Sync {
    /// Adds a brand; a brand of the same id and name is accepted again, another name is a conflict.
    async fn add_brand(&self, actor: &Actor, brand: &Brand) -> Result<(), StoreError>;
    /// Changes a brand; it must exist.
    async fn change_brand(
        &self,
        actor: &Actor,
        id: &str,
        change: &Change,
    ) -> Result<Brand, StoreError>;
    /// One brand.
    async fn brand(&self, id: &str) -> Result<Brand, StoreError>;
    /// All brands by id.
    async fn brands(&self) -> Result<Vec<Brand>, StoreError>;
    /// Adds a product; its brand must exist; the same id and name is accepted again.
    async fn add_product(&self, actor: &Actor, product: &Product) -> Result<(), StoreError>;
    /// Changes a product; it must exist.
    async fn change_product(
        &self,
        actor: &Actor,
        key: &ProductKey,
        change: &Change,
    ) -> Result<Product, StoreError>;
    /// All products of a brand by id; the brand must exist.
    async fn products(&self, brand: &str) -> Result<Vec<Product>, StoreError>;
    /// One product.
    async fn product(&self, key: &ProductKey) -> Result<Product, StoreError>;
}
