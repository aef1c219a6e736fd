//! TLS connections to an engine: trusted authorities, client certificate, and messages for failures.

use super::{endpoint::host_of, tcp};
use crate::server::engine::EngineError;
use crate::{message, model::Message};
use rustls::{
    AlertDescription, CertificateError, ClientConfig, Error, RootCertStore,
    crypto::ring,
    pki_types::{CertificateDer, PrivateKeyDer, ServerName, pem::PemObject},
};
use std::{
    io,
    path::{Path, PathBuf},
    pin::Pin,
    sync::{Arc, Mutex, MutexGuard},
    task::{Context, Poll},
};
use tokio::{
    io::{AsyncRead, AsyncWrite, ReadBuf},
    net::TcpStream,
};
use tokio_rustls::{TlsConnector, client::TlsStream};

/// The PEM files of a TLS endpoint.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct TlsFiles {
    /// The CA that signed the engine's certificate. None for the CAs this machine trusts.
    pub ca: Option<PathBuf>,
    /// The client certificate and its key.
    pub client: Option<(PathBuf, PathBuf)>,
}

impl TlsFiles {
    /// Finds the files in a folder by the names the Docker CLI uses: `ca.pem`, and `cert.pem` with `key.pem` if they exist.
    pub fn in_folder(folder: &Path) -> Self {
        let client = (folder.join("cert.pem"), folder.join("key.pem"));
        let has_client = client.0.exists() || client.1.exists();
        Self { ca: Some(folder.join("ca.pem")), client: has_client.then_some(client) }
    }
}

pub(super) struct Tls {
    /// Host and port.
    authority: String,
    files: TlsFiles,
    /// Parsed from the files. None before the first connection, and after a failed one, so that renewed files are read again.
    config: CachedConfig,
}

type CachedConfig = Arc<Mutex<Option<Arc<ClientConfig>>>>;

impl Tls {
    pub(super) fn new(authority: String, files: TlsFiles) -> Self {
        Self { authority, files, config: CachedConfig::default() }
    }

    pub(super) fn authority(&self) -> &str {
        &self.authority
    }

    pub(super) fn reset(&self) {
        self.config().take();
    }

    pub(super) async fn open(&self) -> Result<Explained, EngineError> {
        let config = self.read_config()?;
        let host = host_of(&self.authority).to_owned();
        let name = ServerName::try_from(host.clone()).map_err(|_| {
            EngineError::Address(message!(
                "\"{host}\" isn't a valid host name for TLS",
                host = host.escape_debug().to_string()
            ))
        })?;
        let context = FailureContext { host, has_client: self.files.client.is_some(), config: self.config.clone() };
        let stream = tcp::open(&self.authority).await?;
        match TlsConnector::from(config).connect(name, stream).await {
            Ok(stream) => Ok(Explained { stream, context }),
            Err(error) => {
                Err(context.explain(&error).unwrap_or_else(|| EngineError::Unreachable(Message::verbatim(error))))
            }
        }
    }

    fn read_config(&self) -> Result<Arc<ClientConfig>, EngineError> {
        if let Some(config) = &*self.config() {
            return Ok(config.clone());
        }
        let config = Arc::new(self.files.read()?);
        *self.config() = Some(config.clone());
        Ok(config)
    }

    fn config(&self) -> MutexGuard<'_, Option<Arc<ClientConfig>>> {
        lock(&self.config)
    }
}

fn lock(config: &CachedConfig) -> MutexGuard<'_, Option<Arc<ClientConfig>>> {
    config.lock().expect("the lock isn't poisoned")
}

impl TlsFiles {
    fn read(&self) -> Result<ClientConfig, EngineError> {
        let builder = ClientConfig::builder_with_provider(Arc::new(ring::default_provider()))
            .with_safe_default_protocol_versions()
            .expect("ring supports the default protocol versions")
            .with_root_certificates(self.roots()?);
        let Some((certificate, key)) = &self.client else { return Ok(builder.with_no_client_auth()) };
        let chain = certificates(certificate, "client certificate")?;
        let key = PrivateKeyDer::from_pem_slice(&read(key, "client key")?).map_err(|_| invalid("client key"))?;
        builder.with_client_auth_cert(chain, key).map_err(|error| {
            EngineError::Connect(message!(
                "The client certificate and key don't match ({error}). Set tls-key to the private key of the certificate in tls-cert.",
                error = error.to_string()
            ))
        })
    }

    fn roots(&self) -> Result<RootCertStore, EngineError> {
        let mut roots = RootCertStore::empty();
        match &self.ca {
            Some(file) => {
                for certificate in certificates(file, "CA certificate")? {
                    roots.add(certificate).map_err(|_| invalid("CA certificate"))?;
                }
            }
            None => drop(roots.add_parsable_certificates(rustls_native_certs::load_native_certs().certs)),
        }
        Ok(roots)
    }
}

fn certificates(file: &Path, what: &'static str) -> Result<Vec<CertificateDer<'static>>, EngineError> {
    let pem = read(file, what)?;
    let found: Result<Vec<_>, _> = CertificateDer::pem_slice_iter(&pem).collect();
    found.ok().filter(|it| !it.is_empty()).ok_or_else(|| invalid(what))
}

/// Reads a file. Only the log contains its path, the error for the user does not.
fn read(file: &Path, what: &'static str) -> Result<Vec<u8>, EngineError> {
    std::fs::read(file).map_err(|error| {
        tracing::warn!(file = %file.display(), %error, "cannot read a TLS file of the engine");
        let why = error.kind();
        EngineError::Connect(message!(
            "Couldn't read the {what} file: {why}. Check its path and permissions.",
            what = Message::term(what),
            why = why.to_string()
        ))
    })
}

fn invalid(what: &'static str) -> EngineError {
    EngineError::Connect(message!(
        "The {what} file isn't in PEM format. Use a valid PEM file.",
        what = Message::term(what)
    ))
}

/// Data for the message about a TLS failure.
struct FailureContext {
    host: String,
    has_client: bool,
    config: CachedConfig,
}

impl FailureContext {
    /// Explains a TLS failure to the user. None for other failures. The next connection reads the files again.
    fn explain(&self, error: &io::Error) -> Option<EngineError> {
        let error = error.get_ref()?.downcast_ref::<Error>()?;
        lock(&self.config).take();
        Some(explain(error, &self.host, self.has_client))
    }
}

/// Whether an engine sends this alert when a client certificate is missing or not accepted.
fn is_refusal(alert: AlertDescription) -> bool {
    matches!(
        alert,
        AlertDescription::CertificateRequired
            | AlertDescription::UnknownCA
            | AlertDescription::BadCertificate
            | AlertDescription::CertificateUnknown
            | AlertDescription::CertificateRevoked
            | AlertDescription::UnsupportedCertificate
            | AlertDescription::AccessDenied
            | AlertDescription::DecryptError
    )
}

fn explain(error: &Error, host: &str, has_client: bool) -> EngineError {
    EngineError::Connect(match error {
        Error::InvalidCertificate(problem) => match problem {
            CertificateError::Expired | CertificateError::ExpiredContext { .. } => {
                message!("The certificate of {host} has expired. Renew it on the Docker host.", host)
            }
            CertificateError::NotValidYet | CertificateError::NotValidYetContext { .. } => {
                message!(
                    "The certificate of {host} isn't valid yet. Check the clocks of the Docker host and the Quaylight server.",
                    host
                )
            }
            CertificateError::NotValidForName | CertificateError::NotValidForNameContext { .. } => {
                message!(
                    "The certificate of {host} is for a different host name. Use a host name listed in the certificate, or add this one to it.",
                    host
                )
            }
            CertificateError::UnknownIssuer | CertificateError::BadSignature => message!(
                "The certificate of {host} was signed by an unknown CA. If you trust that CA, set tls-ca to its certificate.",
                host
            ),
            CertificateError::Revoked => {
                message!("The certificate of {host} was revoked. Replace it on the Docker host.", host)
            }
            other => {
                message!(
                    "The certificate of {host} was rejected ({other}). Replace it on the Docker host.",
                    host,
                    other = other.to_string()
                )
            }
        },
        // An engine built with an older Go reports a missing certificate as a bad one.
        Error::AlertReceived(alert) if is_refusal(*alert) && !has_client => {
            message!("{host} requires a client certificate. Set tls-cert and tls-key.", host)
        }
        Error::AlertReceived(AlertDescription::CertificateExpired) => {
            message!(
                "{host} rejected the client certificate because it has expired. Renew it, and update tls-cert and tls-key.",
                host
            )
        }
        Error::AlertReceived(alert) if is_refusal(*alert) => {
            message!(
                "{host} rejected the client certificate. Set tls-cert to a certificate signed by its CA, and tls-key to the matching key.",
                host
            )
        }
        Error::InvalidMessage(_) => message!("{host} doesn't use TLS on that port. Check the port.", host),
        other => message!(
            "TLS connection to {host} failed ({other}). Check the engine's TLS settings.",
            host,
            other = other.to_string()
        ),
    })
}

/// A TLS stream that explains its failures. With TLS 1.3 an engine refuses a client certificate only after the handshake, so
/// the refusal shows as a read error.
pub(super) struct Explained {
    stream: TlsStream<TcpStream>,
    context: FailureContext,
}

impl AsyncRead for Explained {
    fn poll_read(mut self: Pin<&mut Self>, cx: &mut Context<'_>, buf: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        let read = Pin::new(&mut self.stream).poll_read(cx, buf);
        read.map_err(|error| self.context.explain(&error).map_or(error, io::Error::other))
    }
}

impl AsyncWrite for Explained {
    fn poll_write(mut self: Pin<&mut Self>, cx: &mut Context<'_>, buf: &[u8]) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.stream).poll_write(cx, buf)
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_flush(cx)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_shutdown(cx)
    }
}
