//! Brands and products, and what a claim on them rests on.

use super::{Assay, ServiceError};
use crate::{
    checker::{
        actor::Actor,
        records::{Brand, Change, Product, Settings, Standing},
        validate,
    },
    domain::gallery::ProductKey,
    engine::Claim,
};

impl Assay {
    /// Creates a brand; the same id and name is accepted again, another name is a conflict.
    pub async fn create_brand(&self, actor: &Actor, brand: Brand) -> Result<Brand, ServiceError> {
        actor.must_see(&brand.id)?;
        // Here and not in the adapters: HTTP and the command line must refuse the same.
        validate::brand(&brand)?;
        self.records.catalogue.add_brand(actor, &brand).await?;
        Ok(brand)
    }

    /// Changes a brand's name, budget, or whether it is retired.
    pub async fn change_brand(
        &self,
        actor: &Actor,
        id: &str,
        change: &Change,
    ) -> Result<Brand, ServiceError> {
        actor.must_see(id)?;
        validate::change(change)?;
        Ok(self
            .records
            .catalogue
            .change_brand(actor, id, change)
            .await?)
    }

    /// All brands that the actor sees, by id.
    pub async fn brands(&self, actor: &Actor) -> Result<Vec<Brand>, ServiceError> {
        let mut brands = self.records.catalogue.brands().await?;
        brands.retain(|brand| actor.sees(&brand.id));
        Ok(brands)
    }

    /// Creates a product of a brand that exists; the same id and name is accepted again.
    pub async fn create_product(
        &self,
        actor: &Actor,
        product: Product,
    ) -> Result<Product, ServiceError> {
        actor.must_see(&product.key.brand)?;
        validate::product(&product)?;
        self.records.catalogue.add_product(actor, &product).await?;
        Ok(product)
    }

    /// Changes a product's name, budget, or whether it is retired.
    pub async fn change_product(
        &self,
        actor: &Actor,
        key: &ProductKey,
        change: &Change,
    ) -> Result<Product, ServiceError> {
        actor.must_see(&key.brand)?;
        validate::change(change)?;
        Ok(self
            .records
            .catalogue
            .change_product(actor, key, change)
            .await?)
    }

    /// All products of a brand by id.
    pub async fn products(&self, actor: &Actor, brand: &str) -> Result<Vec<Product>, ServiceError> {
        actor.must_see(brand)?;
        Ok(self.records.catalogue.products(brand).await?)
    }

    /// One product.
    pub async fn product(&self, actor: &Actor, key: &ProductKey) -> Result<Product, ServiceError> {
        actor.must_see(&key.brand)?;
        Ok(self.records.catalogue.product(key).await?)
    }

    /// What a claim rests on; it must exist.
    pub(super) async fn standing(&self, claim: &Claim) -> Result<Standing, ServiceError> {
        let (brand, product) = match claim {
            Claim::Product(key) => (&key.brand, Some(key.product.as_str())),
            Claim::Brand(brand) => (brand, None),
        };
        Ok(self.records.points.standing(brand, product).await?)
    }

    /// What a claim rests on; it must exist and not be retired.
    pub(super) async fn standing_in_use(&self, claim: &Claim) -> Result<Standing, ServiceError> {
        let standing = self.standing(claim).await?;
        if let Some(product) = standing.product {
            in_use("product", product)?;
        }
        in_use("brand", standing.brand)?;
        Ok(standing)
    }
}

/// Refuses what is retired.
fn in_use(field: &str, settings: Settings) -> Result<(), ServiceError> {
    if !settings.retired {
        return Ok(());
    }
    Err(ServiceError::Conflict {
        field: field.to_owned(),
        problem: "is retired: change `retired` to false to use it again".to_owned(),
    })
}
