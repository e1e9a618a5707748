//! Where the server listens and how much a caller may ask of it.

use std::{net::SocketAddr, path::PathBuf, time::Duration};

use super::network::Network;

/// The files of a server that speaks TLS.
#[derive(Clone, Debug, PartialEq, Eq, clap::Args)]
pub struct TlsFiles {
    /// Certificate to serve HTTPS with: a PEM file, the server's own certificate first, then those
    /// that lead to its root. Read again within a minute when it changes.
    #[arg(
        long = "tls-cert",
        env = "ASSAY_TLS_CERT",
        value_name = "FILE",
        required = false,
        requires = "key"
    )]
    pub cert: PathBuf,

    /// Private key of that certificate: a PEM file without a passphrase.
    #[arg(
        long = "tls-key",
        env = "ASSAY_TLS_KEY",
        value_name = "FILE",
        required = false,
        requires = "cert"
    )]
    pub key: PathBuf,
}

/// Settings of the HTTP server.
#[derive(Clone, Debug, PartialEq, clap::Args)]
pub struct HttpConfig {
    /// Address to listen on. Beyond the loopback interface keys and photos travel in the clear
    /// unless there is TLS, here or in a proxy. Port 0 takes any free port.
    #[arg(
        long,
        env = "ASSAY_LISTEN",
        default_value = "127.0.0.1:8080",
        value_name = "ADDR"
    )]
    pub listen: SocketAddr,

    /// With which to speak TLS; without, the server speaks plain HTTP.
    #[command(flatten)]
    pub tls: Option<TlsFiles>,

    /// Proxy that may tell by X-Forwarded-For and X-Forwarded-Proto where a caller is and whether it
    /// came over TLS: an IP address or a network such as 10.0.0.0/8. May be given several times.
    #[arg(
        long = "trusted-proxy",
        env = "ASSAY_TRUSTED_PROXIES",
        value_name = "ADDR",
        value_delimiter = ','
    )]
    pub trusted_proxies: Vec<Network>,

    /// Most bytes of one picture.
    #[arg(long, env = "ASSAY_MAX_PHOTO_BYTES", default_value_t = HttpConfig::default().max_photo_bytes, value_name = "BYTES")]
    pub max_photo_bytes: usize,

    /// Most bytes of one request's body.
    #[arg(long, env = "ASSAY_MAX_BODY_BYTES", default_value_t = HttpConfig::default().max_body_bytes, value_name = "BYTES")]
    pub max_body_bytes: usize,

    /// Most requests of one key in a minute; 0 is no limit.
    #[arg(long, env = "ASSAY_REQUESTS_PER_MINUTE", default_value_t = HttpConfig::default().requests_per_minute, value_name = "N")]
    pub requests_per_minute: u32,

    /// Most connections at a time; further ones wait to be accepted.
    #[arg(long, env = "ASSAY_MAX_CONNECTIONS", default_value_t = HttpConfig::default().max_connections, value_name = "N")]
    pub max_connections: usize,

    /// Longest wait for a request's headers, and for a TLS handshake.
    #[arg(long, env = "ASSAY_HEADER_TIMEOUT", default_value = "10", value_parser = seconds, value_name = "SECONDS")]
    pub header_timeout: Duration,

    /// Longest wait for a request's body.
    #[arg(long, env = "ASSAY_BODY_TIMEOUT", default_value = "30", value_parser = seconds, value_name = "SECONDS")]
    pub body_timeout: Duration,

    /// Longest time for a whole request, reading its body included.
    #[arg(long, env = "ASSAY_REQUEST_TIMEOUT", default_value = "120", value_parser = seconds, value_name = "SECONDS")]
    pub request_timeout: Duration,

    /// Longest wait for requests in flight after a signal to stop.
    #[arg(long, env = "ASSAY_DRAIN_TIMEOUT", default_value = "30", value_parser = seconds, value_name = "SECONDS")]
    pub drain_timeout: Duration,
}

impl Default for HttpConfig {
    fn default() -> Self {
        Self {
            listen: SocketAddr::from(([127, 0, 0, 1], 8080)),
            tls: None,
            trusted_proxies: Vec::new(),
            // As much as intake takes: more would be read only to be refused.
            max_photo_bytes: 20 << 20,
            max_body_bytes: 64 << 20,
            // Twenty a second: more than one machine can check.
            requests_per_minute: 1200,
            max_connections: 512,
            header_timeout: Duration::from_secs(10),
            body_timeout: Duration::from_secs(30),
            request_timeout: Duration::from_secs(120),
            drain_timeout: Duration::from_secs(30),
        }
    }
}

fn seconds(text: &str) -> Result<Duration, String> {
    match text.parse::<u64>() {
        // None at all would refuse every request, and nobody waits longer than a day.
        Ok(seconds @ 1..=86_400) => Ok(Duration::from_secs(seconds)),
        _ => Err(format!(
            "`{text}` is not a number of seconds from 1 to 86400"
        )),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use clap::Parser;

    #[derive(Parser)]
    struct Flags {
        #[command(flatten)]
        http: HttpConfig,
    }

    #[test]
    fn flags_default_to_the_documented_settings() {
        assert_eq!(Flags::parse_from(["assay"]).http, HttpConfig::default());
    }

    #[test]
    fn certificate_and_key_come_together_or_not_at_all() {
        let parse = |flags: &[&str]| {
            let all = ["assay"].iter().chain(flags);
            Flags::try_parse_from(all).map(|flags| flags.http.tls)
        };
        let both = TlsFiles {
            cert: "c".into(),
            key: "k".into(),
        };
        let flags = ["--tls-cert", "c", "--tls-key", "k"];
        assert_eq!(parse(&flags).unwrap(), Some(both));
        for (given, missing) in [(&flags[..2], "--tls-key"), (&flags[2..], "--tls-cert")] {
            let refused = parse(given).unwrap_err().to_string();
            assert!(refused.contains(missing), "{refused}");
        }
    }

    #[test]
    fn trusted_proxies_are_repeated_or_separated_by_commas() {
        let flags = [
            "--trusted-proxy",
            "::1,10.0.0.0/8",
            "--trusted-proxy",
            "::2",
        ];
        let parsed = Flags::parse_from(["assay"].iter().chain(&flags));
        let expected = ["::1", "10.0.0.0/8", "::2"].map(|text| text.parse().unwrap());
        assert_eq!(parsed.http.trusted_proxies, expected);
    }

    #[test]
    fn nobody_waits_for_no_time_at_all() {
        assert!(seconds("0").is_err() && seconds("86401").is_err());
        assert_eq!(seconds("1"), Ok(Duration::from_secs(1)));
    }
}
