//! The embedded database and the image files.
