//! appearance
