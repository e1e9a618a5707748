//! `assay serve`: the same checks over HTTP, until a signal ends it.

use std::{io::Write, net::SocketAddr, process::ExitCode};

use super::{args::ServeArgs, open::open, statement::templates};
use crate::config::{AppConfig, HttpConfig};

/// Serves until Ctrl-C or a termination signal, then finishes the requests underway.
pub(crate) async fn run(
    args: &ServeArgs,
    config: &AppConfig,
    out: &mut impl Write,
) -> anyhow::Result<ExitCode> {
    // Before the models: a broken template is told at once.
    let writer = templates(&args.statements)?;
    let server = open(config).await?.bind(args.http.clone(), writer).await?;
    let server = server.keeping(args.keep);
    let (url, address) = (server.url(), server.address());
    writeln!(out, "assay listens on {url}")?;
    writeln!(out, "the interface is documented on {url}/docs/")?;
    if let Some(file) = server.first_key() {
        writeln!(
            out,
            "a key for its administrator lies in {}",
            file.display()
        )?;
    }
    if travels_in_the_clear(address, &args.http) {
        tracing::warn!(
            "keys and photos travel in the clear: give --tls-cert and --tls-key, or put a proxy with TLS before {address} and name it with --trusted-proxy"
        );
    }
    // Whoever started the program waits for these lines, through a pipe as well.
    out.flush()?;
    server.run().await?;
    Ok(ExitCode::SUCCESS)
}

/// Whether callers of other machines can send what others on the way read. A proxy that is named is
/// taken for one that speaks TLS.
fn travels_in_the_clear(address: SocketAddr, http: &HttpConfig) -> bool {
    !address.ip().is_loopback() && http.tls.is_none() && http.trusted_proxies.is_empty()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::TlsFiles;

    #[test]
    fn only_without_tls_and_proxy_does_anything_travel_in_the_clear() {
        let plain = HttpConfig::default();
        let tls = HttpConfig {
            tls: Some(TlsFiles {
                cert: "c".into(),
                key: "k".into(),
            }),
            ..HttpConfig::default()
        };
        let proxied = HttpConfig {
            trusted_proxies: vec!["10.0.0.4".parse().unwrap()],
            ..HttpConfig::default()
        };
        for (address, http, expected) in [
            ("127.0.0.1:80", &plain, false),
            ("[::1]:80", &plain, false),
            ("0.0.0.0:80", &plain, true),
            ("10.0.0.5:80", &plain, true),
            ("0.0.0.0:80", &tls, false),
            ("10.0.0.5:80", &proxied, false),
        ] {
            let address = address.parse().unwrap();
            assert_eq!(travels_in_the_clear(address, http), expected, "{address}");
        }
    }
}
