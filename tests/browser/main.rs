//! People at their work, in Chromium: signing in, looking, deciding; what other sites and other people's
//! words cannot do; and that nothing on a page stands in anybody's way.
//!
//! `cargo test --features browser --test browser`, where Chromium and its chromedriver are installed.

mod brands;
mod browser;
mod demo;
mod obstacles;
mod pages;
