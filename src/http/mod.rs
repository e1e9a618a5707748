//! The HTTP endpoint: routes, what they accept and answer, limits, errors, and serving until a
//! signal.
//!
//! A connection is TLS where the server has a certificate ([`tls`]), and each of its requests carries
//! where it comes from ([`channel`]).
//!
//! A request passes, from the outside in: a request id, a log line and its metrics ([`observe`]);
//! rendering of errors ([`problem`]); catching of panics, the time limit and the refusal of foreign
//! web pages ([`guard`]); and for uploads a place among those being served, taken before the body
//! is read. Handlers ([`api`]) parse, call [`Assay`](crate::checker::service::Assay) and answer;
//! they decide nothing.

mod access;
mod api;
mod channel;
mod connections;
mod extract;
mod guard;
mod metrics;
mod observe;
mod pace;
mod pages;
mod parts;
mod problem;
mod router;
mod server;
mod session;
mod state;
mod tls;

pub use pages::table as pages;
pub use problem::ProblemBody;
pub use router::{open_api, router};
pub use server::{serve, shutdown_signal};
pub use state::HttpState;
pub use tls::{Tls, TlsError};
