//! The HTTP client of everything here that asks another server: witnesses, audited logs, and this
//! service itself, which its own example is loaded through.
//!
//! TLS is rustls with the same cryptography that the database connection uses, and trusts Mozilla's
//! roots, compiled in: an auditor's machine, or a container without a certificate store, works alike.
//!
//! Addresses that the operator or a command named are asked with [`client`] and its kin. Whatever a
//! customer named goes through [`Strangers`], which reaches nothing but the public internet.

mod global;
mod strangers;
mod target;

use std::sync::Arc;
use std::time::Duration;

use reqwest::{ClientBuilder, redirect};
use rustls::{ClientConfig, RootCertStore};

pub use strangers::{PostFault, Strangers};
pub use target::{PrivateTargets, Target, TargetFault};

/// Who does not even accept a connection within this is away.
const CONNECT_TIMEOUT: Duration = Duration::from_secs(5);
/// Who stays silent for this long in the middle of an answer is let go.
const READ_TIMEOUT: Duration = Duration::from_secs(30);
const USER_AGENT: &str = concat!("rootmark/", env!("CARGO_PKG_VERSION"));

/// A client for servers elsewhere. Follows no redirect: whoever was named is asked, and nobody else.
pub fn client() -> reqwest::Client {
    build(builder(webpki_roots()))
}

/// A client for servers on this machine, which no proxy of the environment stands before.
pub fn loopback() -> reqwest::Client {
    build(builder(webpki_roots()).no_proxy())
}

/// The right one of the two for a server at this address.
pub fn for_address(url: &str) -> reqwest::Client {
    if is_here(url) { loopback() } else { client() }
}

/// What is wrong with a request: the innermost cause. Those around it repeat the address.
pub fn innermost(error: &reqwest::Error) -> String {
    let mut cause: &dyn std::error::Error = error;
    while let Some(inner) = cause.source() {
        cause = inner;
    }
    cause.to_string()
}

fn is_here(url: &str) -> bool {
    let host = reqwest::Url::parse(url).ok().and_then(|url| {
        let host = url.host_str()?.trim_matches(['[', ']']).to_owned();
        Some(host)
    });
    host.is_some_and(|host| {
        let address = host.parse::<std::net::IpAddr>();
        host == "localhost" || address.is_ok_and(|address| address.is_loopback())
    })
}

fn builder(roots: RootCertStore) -> ClientBuilder {
    // Said outright, so that nothing depends on which cryptography some other crate installed.
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let tls = ClientConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .expect("the provider knows the default versions of TLS")
        .with_root_certificates(roots)
        .with_no_client_auth();
    reqwest::Client::builder()
        .tls_backend_preconfigured(tls)
        .user_agent(USER_AGENT)
        .redirect(redirect::Policy::none())
        .connect_timeout(CONNECT_TIMEOUT)
        .read_timeout(READ_TIMEOUT)
}

fn build(builder: ClientBuilder) -> reqwest::Client {
    builder
        .build()
        .expect("nothing that was set can be refused")
}

fn webpki_roots() -> RootCertStore {
    webpki_roots::TLS_SERVER_ROOTS.iter().cloned().collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use rustls::ServerConfig;
    use rustls::pki_types::{CertificateDer, PrivateKeyDer};
    use tokio::io::{AsyncReadExt, AsyncWriteExt};
    use tokio::net::TcpListener;
    use tokio_rustls::TlsAcceptor;

    #[test]
    fn only_addresses_of_this_machine_are_on_this_machine() {
        for url in ["http://127.0.0.1:1", "http://[::1]/x", "https://localhost/"] {
            assert!(is_here(url), "{url}");
        }
        for url in [
            "http://128.0.0.1",
            "https://localhost.example",
            "nonsense",
            "",
        ] {
            assert!(!is_here(url), "{url}");
        }
    }

    /// A server of TLS that says hello to each client; gives its address and certificate.
    pub(super) async fn server() -> (String, CertificateDer<'static>) {
        let made = rcgen::generate_simple_self_signed(["localhost".to_owned()]).unwrap();
        let certificate = made.cert.der().clone();
        let key = PrivateKeyDer::try_from(made.signing_key.serialize_der()).unwrap();
        let provider = Arc::new(rustls::crypto::ring::default_provider());
        let config = ServerConfig::builder_with_provider(provider)
            .with_safe_default_protocol_versions()
            .unwrap()
            .with_no_client_auth()
            .with_single_cert(vec![certificate.clone()], key)
            .unwrap();
        let acceptor = TlsAcceptor::from(Arc::new(config));
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let port = listener.local_addr().unwrap().port();
        tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                // A client that does not trust us ends the handshake.
                let Ok(mut stream) = acceptor.accept(stream).await else {
                    continue;
                };
                let mut request = [0; 1024];
                let read = stream.read(&mut request).await.unwrap();
                assert!(String::from_utf8_lossy(&request[..read]).contains(USER_AGENT));
                let answer = b"HTTP/1.1 200 OK\r\ncontent-length: 5\r\n\r\nhello";
                stream.write_all(answer).await.unwrap();
                stream.shutdown().await.unwrap();
            }
        });
        (format!("https://localhost:{port}/"), certificate)
    }

    #[tokio::test]
    async fn a_server_with_a_trusted_certificate_is_read_and_another_is_not() {
        let (url, certificate) = server().await;
        let refused = loopback().get(&url).send().await.unwrap_err();
        assert!(refused.is_connect(), "{refused:?}");
        let mut roots = RootCertStore::empty();
        roots.add(certificate).unwrap();
        let client = build(builder(roots).no_proxy());
        let answer = client.get(&url).send().await.unwrap();
        assert_eq!(answer.text().await.unwrap(), "hello");
    }
}
