//! Places of an aligned pair: what cells, blocks, letters and hues say of them.

pub mod appearance;
pub mod cells;
pub mod colour;
pub(crate) mod colourless;
pub(crate) mod covered;
pub(crate) mod moved;
pub(crate) mod silhouette;
pub(crate) mod text;
pub(crate) mod windows;
