//! Bytes to upright pixels, pixels to other sizes, and pictures for people.
