//! Places of an aligned pair: what cells, blocks, letters and hues say of them.

pub mod appearance;
pub mod cells;
pub mod colour;
pub mod text;
pub mod windows;
