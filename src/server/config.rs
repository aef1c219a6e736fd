//! Configuration from flags, environment and Leptos.toml, in this order of precedence. The only reader of them.

use super::{
    auth::{OidcSettings, ProxySettings},
    docker_context,
    engine::{Endpoint, TlsFiles},
    history::{Limits, Settings},
    http::ServerCertificate,
    trusted_proxies::TrustedProxies,
};
use axum::http::{HeaderName, uri::Authority};
use clap::{Parser, ValueEnum};
use leptos::config::{LeptosOptions, errors::LeptosConfigError};
use oidc::{OidcFlags, OidcTable};
use serde::Deserialize;
use std::{
    fmt,
    net::SocketAddr,
    path::{Path, PathBuf},
    time::Duration,
};

mod oidc;

const FILE: &str = "Leptos.toml";

const RECONCILE: Duration = Duration::from_secs(30);

/// A real-time Docker console in the browser.
#[derive(Debug, Parser)]
#[command(name = "quaylight", version)]
pub struct Arguments {
    #[command(flatten)]
    settings: Flags,
}

#[derive(Debug, clap::Args)]
struct Flags {
    /// Address to listen on [default: 127.0.0.1:7300]
    #[arg(long, global = true, env = "QUAYLIGHT_LISTEN", value_name = "ADDR")]
    listen: Option<SocketAddr>,
    /// Certificate of the server, in PEM format, followed by its intermediate certificates: serves HTTPS instead of HTTP
    #[arg(long, global = true, env = "QUAYLIGHT_TLS_CERT", value_name = "FILE")]
    tls_cert: Option<PathBuf>,
    /// Private key of the server's certificate, in PEM format
    #[arg(long, global = true, env = "QUAYLIGHT_TLS_KEY", value_name = "FILE")]
    tls_key: Option<PathBuf>,
    /// Engine URL: unix:///path, https://host:port, ssh://user@host or tcp://host:port [default: the platform's socket]
    #[arg(long, global = true, env = "DOCKER_HOST", value_name = "URL")]
    engine: Option<String>,
    /// Docker context to use instead of a URL; `current` for the one selected with `docker context use`
    #[arg(long, global = true, env = "QUAYLIGHT_ENGINE_CONTEXT", value_name = "NAME")]
    engine_context: Option<String>,
    /// CA certificate that signed the engine's certificate, in PEM format [default: the system's trust store]
    #[arg(long, global = true, env = "QUAYLIGHT_ENGINE_TLS_CA", value_name = "FILE")]
    engine_tls_ca: Option<PathBuf>,
    /// Client certificate for the engine, in PEM format
    #[arg(long, global = true, env = "QUAYLIGHT_ENGINE_TLS_CERT", value_name = "FILE")]
    engine_tls_cert: Option<PathBuf>,
    /// Private key of the client certificate, in PEM format
    #[arg(long, global = true, env = "QUAYLIGHT_ENGINE_TLS_KEY", value_name = "FILE")]
    engine_tls_key: Option<PathBuf>,
    /// Allow an unencrypted connection to a remote engine: anyone who can reach it controls its host
    #[arg(long, global = true, env = "QUAYLIGHT_ENGINE_INSECURE", num_args = 0..=1, default_missing_value = "true")]
    engine_insecure: Option<bool>,
    /// OpenSSH configuration file for ssh:// engines [default: the user's]
    #[arg(long, global = true, env = "QUAYLIGHT_ENGINE_SSH_CONFIG", value_name = "FILE")]
    engine_ssh_config: Option<PathBuf>,
    /// Data directory, which stores the history [default: quaylight/ in the XDG data directory]
    #[arg(long, global = true, env = "QUAYLIGHT_DATA_DIR", value_name = "DIR")]
    data_dir: Option<PathBuf>,
    /// Base path of all URLs, for a reverse proxy [default: /]
    #[arg(long, global = true, env = "QUAYLIGHT_BASE_PATH", value_name = "PATH")]
    base_path: Option<String>,
    /// Sign-in mode [default: password]
    #[arg(long, global = true, env = "QUAYLIGHT_AUTH", value_name = "MODE")]
    auth: Option<AuthMode>,
    /// Names that the server answers to, besides localhost and IP addresses, such as docker.example.com
    #[arg(long, global = true, env = "QUAYLIGHT_HOSTS", value_name = "NAMES", value_delimiter = ',')]
    hosts: Option<Vec<String>>,
    /// Addresses or networks of the reverse proxies in front, such as 172.16.0.0/12, whose X-Forwarded-For is trusted
    #[arg(long, global = true, env = "QUAYLIGHT_TRUSTED_PROXIES", value_name = "ADDRS", value_delimiter = ',')]
    trusted_proxies: Option<Vec<String>>,
    /// Address of this server as browsers open it, such as https://docker.example.com, for the OpenID provider
    #[arg(long, global = true, env = "QUAYLIGHT_PUBLIC_URL", value_name = "URL")]
    public_url: Option<String>,
    #[command(flatten)]
    oidc: OidcFlags,
    /// Reject all changes from all users
    #[arg(long, global = true, env = "QUAYLIGHT_READ_ONLY", num_args = 0..=1, default_missing_value = "true")]
    read_only: Option<bool>,
    /// Log format [default: text]; set log levels with RUST_LOG
    #[arg(long, global = true, env = "QUAYLIGHT_LOG", value_name = "FORMAT")]
    log: Option<LogFormat>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum AuthMode {
    /// Users sign in with a name and a password
    Password,
    /// A reverse proxy signs users in, and sends their names and groups in headers
    Proxy,
    /// No sign-in: anyone who can reach the server has full access. On loopback only, unless the file's [auth] table has
    /// allow-open-network = true
    None,
}

#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, ValueEnum, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum LogFormat {
    #[default]
    Text,
    Json,
}

/// Quaylight's tables in Leptos.toml. `[package]` belongs to Leptos.
#[derive(Debug, Default, Deserialize)]
#[serde(default, deny_unknown_fields)]
struct File {
    #[serde(rename = "package")]
    _package: toml::Table,
    engine: EngineTable,
    server: ServerTable,
    auth: AuthTable,
    history: HistoryTable,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default, deny_unknown_fields)]
struct HistoryTable {
    days: Option<u32>,
    megabytes: Option<u32>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default, deny_unknown_fields, rename_all = "kebab-case")]
struct EngineTable {
    url: Option<String>,
    context: Option<String>,
    tls_ca: Option<PathBuf>,
    tls_cert: Option<PathBuf>,
    tls_key: Option<PathBuf>,
    insecure: Option<bool>,
    ssh_config: Option<PathBuf>,
    reconcile_seconds: Option<u64>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default, deny_unknown_fields, rename_all = "kebab-case")]
struct ServerTable {
    listen: Option<SocketAddr>,
    tls_cert: Option<PathBuf>,
    tls_key: Option<PathBuf>,
    base_path: Option<String>,
    read_only: Option<bool>,
    log: Option<LogFormat>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default, deny_unknown_fields, rename_all = "kebab-case")]
struct AuthTable {
    mode: Option<AuthMode>,
    hosts: Option<Vec<String>>,
    trusted_proxies: Option<Vec<String>>,
    allow_open_network: bool,
    user_header: Option<String>,
    groups_header: Option<String>,
    admin_groups: Vec<String>,
    operator_groups: Vec<String>,
    public_url: Option<String>,
    oidc: OidcTable,
}

/// The effective configuration of the server.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Config {
    pub listen: SocketAddr,
    /// For HTTPS.
    pub certificate: Option<ServerCertificate>,
    pub engine: Endpoint,
    /// Interval of the full reconciliation, which catches changes without an event.
    pub reconcile: Duration,
    /// `None` if neither a setting nor the system names a folder.
    pub data_dir: Option<PathBuf>,
    pub history: Limits,
    /// Docker's config file, where `docker login` stores credentials.
    pub docker_config: Option<PathBuf>,
    /// Empty, or `/` and a path without a trailing slash.
    pub base_path: String,
    pub auth: AuthMode,
    /// For [`AuthMode::Proxy`].
    pub proxy_sign_in: ProxySettings,
    /// For [`AuthMode::Password`].
    pub oidc: Option<OidcSettings>,
    /// Whether there is no sign-in although other machines can reach the server.
    pub is_open_network: bool,
    /// In lower case, possibly with a port.
    pub host_names: Vec<String>,
    /// Addresses and networks.
    pub trusted_proxies: Vec<String>,
    pub read_only: bool,
    pub log: LogFormat,
}

/// The `LeptosOptions` of Leptos.toml, if they are set there.
pub fn leptos_options() -> Result<LeptosOptions, ConfigError> {
    match leptos::config::get_configuration(Some(FILE)) {
        Ok(file) => Ok(file.leptos_options),
        Err(LeptosConfigError::ConfigNotFound | LeptosConfigError::ConfigSectionNotFound) => {
            Ok(LeptosOptions::builder().output_name("quaylight").build())
        }
        Err(error) => Err(ConfigError::File(error.to_string())),
    }
}

#[derive(Debug, thiserror::Error)]
pub enum ConfigError {
    #[error("{FILE}: {0}")]
    File(String),
    #[error("{0}")]
    Setting(String),
}

impl Config {
    /// Reads the process's flags and environment, and the file in the working directory. `sign_in` applies if none is set.
    pub fn read(arguments: Arguments, sign_in: AuthMode) -> Result<Self, ConfigError> {
        let file = match std::fs::read_to_string(Path::new(FILE)) {
            Ok(text) => text,
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => String::new(),
            Err(error) => return Err(ConfigError::File(error.to_string())),
        };
        Self::from_parts(arguments, sign_in, &file)
    }

    pub fn history_settings(&self) -> Settings {
        Settings { folder: self.data_dir.clone(), limits: self.history, retry: Settings::RETRY }
    }

    fn from_parts(arguments: Arguments, sign_in: AuthMode, file: &str) -> Result<Self, ConfigError> {
        let file: File = toml::from_str(file).map_err(|error| ConfigError::File(error.to_string()))?;
        let flags = arguments.settings;
        let variable = |name: &str| std::env::var_os(name).map(PathBuf::from);
        let reconcile = file.engine.reconcile_seconds;
        let engine = engine(EngineTable::from(&flags), file.engine, &variable).map_err(ConfigError::Setting)?;
        let base_path = flags.base_path.or(file.server.base_path).unwrap_or_default();
        let listen = flags.listen.or(file.server.listen).unwrap_or(SocketAddr::from(([127, 0, 0, 1], 7300)));
        let certificate =
            server_certificate(flags.tls_cert.or(file.server.tls_cert), flags.tls_key.or(file.server.tls_key))?;
        let auth = flags.auth.or(file.auth.mode).unwrap_or(sign_in);
        let is_open_network = auth == AuthMode::None && !listen.ip().is_loopback();
        if is_open_network && !file.auth.allow_open_network {
            return Err(ConfigError::Setting(format!(
                "without sign-in, anyone who can reach {listen} controls the engine; listen on 127.0.0.1 or [::1], use \
                 --auth password, or set allow-open-network = true in the [auth] table of {FILE}"
            )));
        }
        let proxy_sign_in = proxy_settings(&file.auth)?;
        let proxies = trusted_proxies(flags.trusted_proxies.or(file.auth.trusted_proxies).unwrap_or_default())?;
        if auth == AuthMode::Proxy && proxies.is_empty() {
            return Err(ConfigError::Setting("--auth proxy requires the proxy's address: set trusted-proxies".into()));
        }
        let base_path = normal_base_path(&base_path)?;
        let public_url = flags.public_url.or(file.auth.public_url);
        let oidc = oidc::settings(flags.oidc, file.auth.oidc, public_url, &base_path)?;
        let mut hosts = flags.hosts.or(file.auth.hosts).unwrap_or_default();
        hosts.extend(oidc.as_ref().and_then(OidcSettings::host));
        if oidc.is_some() && auth != AuthMode::Password {
            return Err(ConfigError::Setting("OpenID providers sign users in with --auth password only".into()));
        }
        Ok(Self {
            listen,
            certificate,
            engine,
            base_path,
            auth,
            proxy_sign_in,
            oidc,
            is_open_network,
            host_names: host_names(hosts)?,
            trusted_proxies: proxies,
            read_only: flags.read_only.or(file.server.read_only).unwrap_or_default(),
            data_dir: flags.data_dir.filter(|it| !it.as_os_str().is_empty()).or_else(|| data_dir(&variable)),
            docker_config: docker_folder(&variable).map(|folder| folder.join("config.json")),
            history: Limits {
                // Less than a day or a few megabytes would hold nothing.
                days: file.history.days.map_or(Limits::default().days, |days| days.max(1)),
                megabytes: file.history.megabytes.map_or(Limits::default().megabytes, |it| it.max(8)),
            },
            // Never off, and never more often than a large engine can be listed.
            reconcile: reconcile.map_or(RECONCILE, |it| Duration::from_secs(it.max(1))),
            log: flags.log.or(file.server.log).unwrap_or_default(),
        })
    }
}

impl Config {
    /// The URL of the server when it listens on `address`, without a slash at the end.
    pub fn url(&self, address: SocketAddr) -> String {
        let scheme = if self.certificate.is_some() { "https" } else { "http" };
        format!("{scheme}://{address}{}", self.base_path)
    }

    /// Whether other machines can reach the server without TLS, neither its own nor that of a reverse proxy.
    pub fn is_unencrypted(&self) -> bool {
        !self.listen.ip().is_loopback() && self.certificate.is_none() && self.trusted_proxies.is_empty()
    }
}

impl fmt::Display for Config {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { listen, engine, base_path, read_only, .. } = self;
        write!(f, "listen {listen}, engine {engine}, base path {base_path}/, read-only {read_only}")
    }
}

impl From<&Flags> for EngineTable {
    fn from(flags: &Flags) -> Self {
        let said = |text: &Option<String>| text.clone().filter(|it| !it.is_empty());
        let named = |path: &Option<PathBuf>| path.clone().filter(|it| !it.as_os_str().is_empty());
        Self {
            url: said(&flags.engine),
            context: said(&flags.engine_context),
            tls_ca: named(&flags.engine_tls_ca),
            tls_cert: named(&flags.engine_tls_cert),
            tls_key: named(&flags.engine_tls_key),
            insecure: flags.engine_insecure,
            ssh_config: named(&flags.engine_ssh_config),
            reconcile_seconds: None,
        }
    }
}

/// The engine's endpoint. The error states what is wrong with the settings.
fn engine(
    flags: EngineTable,
    file: EngineTable,
    variable: &dyn Fn(&str) -> Option<PathBuf>,
) -> Result<Endpoint, String> {
    let is_set = |name: &str| variable(name).is_some_and(|it| !it.as_os_str().is_empty());
    // A flag overrides both URL and context: a user who names an engine by a flag need not know what the file contains.
    let place = if flags.url.is_some() || flags.context.is_some() { &flags } else { &file };
    let explicit_tls = tls_files(&flags, &file)?;
    let (url, tls) = match (&place.url, &place.context) {
        (Some(url), Some(name)) => {
            return Err(format!("both the URL {url} and the context {name:?} set an engine: use one of them"));
        }
        (Some(url), None) => (Some(url.clone()), None),
        (None, Some(name)) => {
            let folder =
                docker_folder(variable).ok_or("no directory with Docker contexts: set HOME or DOCKER_CONFIG")?;
            let chosen = variable("DOCKER_CONTEXT").map(|it| it.to_string_lossy().into_owned());
            let chosen = chosen.filter(|name| !name.is_empty());
            let context = docker_context::read(&folder, name, chosen.as_deref()).map_err(|it| it.to_string())?;
            context.map_or((None, None), |it| (Some(it.url), it.tls))
        }
        (None, None) => (None, None),
    };
    let Some(url) = url else { return Ok(Endpoint::default()) };
    let is_tcp = url.starts_with("tcp://") || url.starts_with("http://");
    // The TLS variables of the docker command.
    let of_environment = || -> Result<Option<TlsFiles>, String> {
        if is_tcp && is_set("DOCKER_TLS_VERIFY") {
            let folder = variable("DOCKER_CERT_PATH").filter(|it| !it.as_os_str().is_empty());
            let folder =
                folder.or_else(|| docker_folder(variable)).ok_or("DOCKER_TLS_VERIFY needs DOCKER_CERT_PATH")?;
            return Ok(Some(TlsFiles::in_folder(&folder)));
        }
        if is_tcp && is_set("DOCKER_TLS") {
            return Err("DOCKER_TLS doesn't verify the engine's certificate: set DOCKER_TLS_VERIFY=1".to_owned());
        }
        Ok(None)
    };
    let tls = match explicit_tls.or(tls) {
        Some(files) => Some(files),
        None => of_environment()?,
    };
    let endpoint = match Endpoint::with_tls(&url, tls).map_err(|error| error.to_string())? {
        Endpoint::Ssh(destination) => Endpoint::Ssh(destination.with_config(flags.ssh_config.or(file.ssh_config))),
        endpoint => endpoint,
    };
    if endpoint.is_exposed() && !flags.insecure.or(file.insecure).unwrap_or_default() {
        return Err(format!(
            "{endpoint} is not encrypted: anyone on the network between could control the engine's host; use \
             https:// or ssh://, or allow it with --engine-insecure"
        ));
    }
    Ok(endpoint)
}

/// `None` if no setting names a file.
fn server_certificate(
    certificate: Option<PathBuf>,
    key: Option<PathBuf>,
) -> Result<Option<ServerCertificate>, ConfigError> {
    let named = |path: Option<PathBuf>| path.filter(|it| !it.as_os_str().is_empty());
    match (named(certificate), named(key)) {
        (Some(certificate), Some(key)) => Ok(Some(ServerCertificate { certificate, key })),
        (None, None) => Ok(None),
        _ => Err(ConfigError::Setting("the server's certificate needs its key: set both tls-cert and tls-key".into())),
    }
}

/// `None` if no setting names a file.
fn tls_files(flags: &EngineTable, file: &EngineTable) -> Result<Option<TlsFiles>, String> {
    let ca = flags.tls_ca.as_ref().or(file.tls_ca.as_ref());
    let certificate = flags.tls_cert.as_ref().or(file.tls_cert.as_ref());
    let key = flags.tls_key.as_ref().or(file.tls_key.as_ref());
    let client = match (certificate, key) {
        (Some(certificate), Some(key)) => Some((certificate.clone(), key.clone())),
        (None, None) => None,
        _ => return Err("a client certificate needs its key: set both tls-cert and tls-key".to_owned()),
    };
    Ok((ca.is_some() || client.is_some()).then(|| TlsFiles { ca: ca.cloned(), client }))
}

/// `quaylight/` in the user's data folder, by the XDG base directory specification.
fn data_dir(variable: &dyn Fn(&str) -> Option<PathBuf>) -> Option<PathBuf> {
    let absolute = |name: &str| variable(name).filter(|path| path.is_absolute());
    let base = absolute("XDG_DATA_HOME").or_else(|| Some(absolute("HOME")?.join(".local/share")));
    Some(base?.join("quaylight"))
}

/// The configuration folder of the docker command.
fn docker_folder(variable: &dyn Fn(&str) -> Option<PathBuf>) -> Option<PathBuf> {
    let said = |name: &str| variable(name).filter(|path| !path.as_os_str().is_empty());
    said("DOCKER_CONFIG").or_else(|| Some(said("HOME")?.join(".docker")))
}

fn host_names(names: Vec<String>) -> Result<Vec<String>, ConfigError> {
    let is_valid = |name: &String| name.parse::<Authority>().is_ok_and(|it| !it.as_str().contains('@'));
    let names: Vec<_> = listed(names).collect();
    match names.iter().find(|name| !is_valid(name)) {
        None => Ok(names.iter().map(|name| name.to_lowercase()).collect()),
        Some(name) => Err(ConfigError::Setting(format!(
            "hosts: {name:?} isn't a host name: use docker.example.com, with a port if it isn't the usual one"
        ))),
    }
}

fn proxy_settings(table: &AuthTable) -> Result<ProxySettings, ConfigError> {
    let defaults = ProxySettings::default();
    let header = |setting: &str, name: &Option<String>, default: HeaderName| match name {
        None => Ok(default),
        Some(name) => {
            name.parse().map_err(|_| ConfigError::Setting(format!("{setting}: {name:?} is not the name of a header")))
        }
    };
    Ok(ProxySettings {
        user_header: header("user-header", &table.user_header, defaults.user_header)?,
        groups_header: header("groups-header", &table.groups_header, defaults.groups_header)?,
        admin_groups: table.admin_groups.clone(),
        operator_groups: table.operator_groups.clone(),
    })
}

fn trusted_proxies(addresses: Vec<String>) -> Result<Vec<String>, ConfigError> {
    let addresses: Vec<_> = listed(addresses).collect();
    match TrustedProxies::new(&addresses) {
        Ok(_) => Ok(addresses),
        Err(address) => Err(ConfigError::Setting(format!(
            "trusted-proxies: {address:?} is neither an IP address nor a network such as 172.16.0.0/12"
        ))),
    }
}

/// The entries of a list that users may write as `a, b,`.
fn listed(entries: Vec<String>) -> impl Iterator<Item = String> {
    entries.into_iter().map(|it| it.trim().to_owned()).filter(|it| !it.is_empty())
}

fn normal_base_path(text: &str) -> Result<String, ConfigError> {
    let path = text.trim_end_matches('/');
    let clean = |c: char| c.is_ascii_alphanumeric() || matches!(c, '/' | '-' | '_' | '.' | '~');
    if path.is_empty() || path.starts_with('/') && !path.contains("//") && path.chars().all(clean) {
        Ok(path.to_owned())
    } else {
        Err(ConfigError::Setting(format!("{text:?} isn't a valid base path: use /name of letters, digits, - _ . ~ /")))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    pub fn config(flags: &[&str], file: &str) -> Result<Config, ConfigError> {
        let arguments =
            Arguments::try_parse_from([&["quaylight"], flags].concat()).expect("flags of the test are valid");
        Config::from_parts(arguments, AuthMode::Password, file)
    }

    #[test]
    fn flags_override_the_file_and_the_file_overrides_defaults() {
        let file = "[server]\nlisten = \"127.0.0.1:1\"\nbase-path = \"/x/\"\n[engine]\nurl = \"tcp://localhost:1\"";
        let it = config(&["--listen", "127.0.0.1:2", "--engine", "unix:///x"], file).unwrap();
        assert_eq!((it.listen.port(), it.base_path.as_str()), (2, "/x"));
        assert_eq!(it.engine, Endpoint::Unix("/x".into()));
        assert_eq!(config(&["--engine", "unix:///x"], "").unwrap().listen.port(), 7300);
    }

    #[test]
    fn an_unknown_key_is_an_error_that_names_it() {
        for file in ["[server]\nspeed = 9", "[speed]\nx = 1"] {
            let error = config(&[], file).unwrap_err().to_string();
            assert!(error.contains("speed"), "{error}");
        }
    }

    /// The endpoint that the settings result in, as text.
    fn endpoint(flags: EngineTable, variables: &[(&str, &str)]) -> Result<String, String> {
        let variable = |name: &str| variables.iter().find(|(it, _)| *it == name).map(|it| PathBuf::from(it.1));
        engine(flags, EngineTable::default(), &variable).map(|it| it.to_string())
    }

    fn at(url: &str) -> EngineTable {
        EngineTable { url: Some(url.into()), ..EngineTable::default() }
    }

    #[test]
    fn plain_tcp_engine_requires_loopback_or_the_insecure_option() {
        assert_eq!(endpoint(at("tcp://127.0.0.1:1"), &[]).as_deref(), Ok("tcp://127.0.0.1:1"));
        assert!(endpoint(at("tcp://nas:2375"), &[]).unwrap_err().contains("is not encrypted"));
        let insecure = EngineTable { insecure: Some(true), ..at("tcp://nas:2375") };
        assert_eq!(endpoint(insecure, &[]).as_deref(), Ok("tcp://nas:2375"));
        // With a flag, since the environment of the test may name an engine.
        let flag = ["--engine", "tcp://nas:1"];
        assert!(config(&flag, "[engine]\ninsecure = true").unwrap().engine.is_exposed());
    }

    #[test]
    fn docker_tls_variables_are_applied() {
        let verify = ("DOCKER_TLS_VERIFY", "1");
        assert_eq!(endpoint(at("tcp://nas"), &[verify, ("HOME", "/h")]).as_deref(), Ok("https://nas:2376"));
        let variable = |name: &str| match name {
            "DOCKER_TLS_VERIFY" => Some("1".into()),
            "DOCKER_CERT_PATH" => Some("/certs".into()),
            _ => None,
        };
        let files = TlsFiles { ca: Some("/certs/ca.pem".into()), client: None };
        let tls = Endpoint::Tls { authority: "127.0.0.1:1".into(), files };
        assert_eq!(engine(at("tcp://127.0.0.1:1"), EngineTable::default(), &variable), Ok(tls));
        // A local socket ignores TLS settings.
        assert_eq!(endpoint(at("unix:///x"), &[verify]).as_deref(), Ok("unix:///x"));
        // Nothing is sent to an engine whose certificate was not verified.
        assert!(endpoint(at("tcp://127.0.0.1:1"), &[("DOCKER_TLS", "1")]).unwrap_err().contains("DOCKER_TLS_VERIFY"));
    }

    #[test]
    fn incomplete_or_inapplicable_tls_settings_are_rejected() {
        let half = EngineTable { tls_cert: Some("/c".into()), ..at("https://nas") };
        assert!(endpoint(half, &[]).unwrap_err().contains("needs its key"));
        let local = EngineTable { tls_ca: Some("/ca".into()), ..at("unix:///x") };
        assert!(endpoint(local, &[]).unwrap_err().contains("TLS settings"));
    }

    #[test]
    fn docker_context_is_used_only_when_configured() {
        let home = tempfile::tempdir().unwrap();
        let context = home.path().join("contexts/meta/aa");
        std::fs::create_dir_all(&context).unwrap();
        let meta = r#"{"Name":"nas","Endpoints":{"docker":{"Host":"ssh://root@nas"}}}"#;
        std::fs::write(context.join("meta.json"), meta).unwrap();
        let folder = home.path().to_str().unwrap();
        let chosen = [("DOCKER_CONFIG", folder), ("DOCKER_CONTEXT", "nas")];
        assert_eq!(endpoint(EngineTable::default(), &chosen).as_deref(), Ok("unix:///var/run/docker.sock"));
        let context = |name: &str| EngineTable { context: Some(name.into()), ..EngineTable::default() };
        assert_eq!(endpoint(context("current"), &chosen).as_deref(), Ok("ssh://root@nas"));
        assert_eq!(endpoint(context("nas"), &chosen[..1]).as_deref(), Ok("ssh://root@nas"));
        assert_eq!(endpoint(context("default"), &chosen).as_deref(), Ok("unix:///var/run/docker.sock"));
        assert!(endpoint(context("pi"), &chosen).unwrap_err().contains("no Docker context"));
        let both = EngineTable { url: Some("unix:///x".into()), ..context("nas") };
        assert!(endpoint(both, &chosen).unwrap_err().contains("set an engine"));
    }

    #[test]
    fn without_sign_in_the_listen_address_must_be_loopback_unless_the_file_allows_others() {
        for listen in ["0.0.0.0:7300", "192.0.2.1:7300", "[::]:7300"] {
            let open = ["--listen", listen, "--auth", "none"];
            let error = config(&open, "").unwrap_err().to_string();
            assert!(error.contains("allow-open-network"), "{error}");
            assert!(config(&open, "[auth]\nallow-open-network = true").unwrap().is_open_network);
            assert!(!config(&["--listen", listen], "").unwrap().is_open_network, "with sign-in, the default");
        }
        assert!(!config(&["--listen", "[::1]:7300", "--auth", "none"], "").unwrap().is_open_network);
    }

    #[test]
    fn unencrypted_servers_are_those_without_tls_on_the_network() {
        let is_unencrypted = |flags: &[&str]| config(flags, "").unwrap().is_unencrypted();
        assert!(!is_unencrypted(&[]) && is_unencrypted(&["--listen", "0.0.0.0:7300"]));
        assert!(!is_unencrypted(&["--listen", "0.0.0.0:7300", "--trusted-proxies", "192.0.2.1"]));
        assert!(!is_unencrypted(&["--listen", "0.0.0.0:7300", "--tls-cert", "a.pem", "--tls-key", "b.pem"]));
    }

    #[test]
    fn sign_in_by_a_proxy_requires_its_address() {
        let error = config(&["--auth", "proxy"], "").unwrap_err().to_string();
        assert!(error.contains("trusted-proxies"), "{error}");
        let file = "[auth]\nmode = \"proxy\"\ntrusted-proxies = [\"127.0.0.1\"]\nuser-header = \"X-Name\"\nadmin-groups = [\"a\"]";
        let it = config(&[], file).unwrap().proxy_sign_in;
        assert_eq!((it.user_header.as_str(), it.groups_header.as_str()), ("x-name", "remote-groups"));
        assert_eq!((it.admin_groups, it.operator_groups), (vec!["a".to_owned()], Vec::new()));
        let error = config(&[], "[auth]\nuser-header = \"a b\"").unwrap_err().to_string();
        assert!(error.contains("user-header"), "{error}");
    }

    #[test]
    fn host_names_and_trusted_proxies_are_checked() {
        let it = config(&["--hosts", "Docker.example.com, nas:8443,", "--trusted-proxies", "10.0.0.0/8"], "").unwrap();
        assert_eq!(it.host_names, ["docker.example.com", "nas:8443"]);
        assert_eq!(it.trusted_proxies, ["10.0.0.0/8"]);
        let file = "[auth]\nhosts = [\"nas\"]\ntrusted-proxies = [\"::1\"]";
        let it = config(&[], file).unwrap();
        assert_eq!((&*it.host_names, &*it.trusted_proxies), (&["nas".to_owned()][..], &["::1".to_owned()][..]));
        for (flag, value) in
            [("--hosts", "https://nas"), ("--hosts", "nas/docker"), ("--hosts", "a@nas"), ("--trusted-proxies", "nas")]
        {
            assert!(config(&[flag, value], "").unwrap_err().to_string().contains(value), "{value}");
        }
    }

    #[test]
    fn data_dir_defaults_to_the_data_folder_of_the_user() {
        let folder = |variables: &[(&str, &str)]| {
            let variable = |name: &str| variables.iter().find(|(it, _)| *it == name).map(|it| PathBuf::from(it.1));
            data_dir(&variable).map(|path| path.to_string_lossy().into_owned())
        };
        assert_eq!(folder(&[("HOME", "/home/x")]).as_deref(), Some("/home/x/.local/share/quaylight"));
        assert_eq!(folder(&[("HOME", "/home/x"), ("XDG_DATA_HOME", "/d")]).as_deref(), Some("/d/quaylight"));
        // A relative path has to be ignored.
        assert_eq!(folder(&[("HOME", "/h"), ("XDG_DATA_HOME", "d")]).as_deref(), Some("/h/.local/share/quaylight"));
        assert_eq!(folder(&[]), None);
        let it = config(&["--data-dir", "/srv/q"], "[history]\ndays = 7").unwrap();
        assert_eq!((it.data_dir, it.history), (Some("/srv/q".into()), Limits { days: 7, megabytes: 1_024 }));
    }

    #[test]
    fn shipped_config_file_is_valid_and_matches_the_build() {
        let shipped = include_str!("../../Leptos.toml");
        assert!(config(&[], shipped).is_ok());
        let file: toml::Table = toml::from_str(shipped).unwrap();
        let cargo: toml::Table = toml::from_str(include_str!("../../Cargo.toml")).unwrap();
        let ours = file["package"]["metadata"]["leptos"].as_table().unwrap();
        let builds = cargo["workspace"]["metadata"]["leptos"][0].as_table().unwrap();
        for key in ["output-name", "site-root", "site-pkg-dir"] {
            assert_eq!(ours[key], builds[key], "{key}");
        }
    }
}
