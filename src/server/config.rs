//! The only reader of flags, environment and Leptos.toml, in this order of precedence.

use super::{engine::EngineUrl, history::Limits};
use clap::{Parser, ValueEnum};
use leptos::config::{LeptosOptions, errors::LeptosConfigError};
use serde::Deserialize;
use std::{
    fmt,
    net::SocketAddr,
    path::{Path, PathBuf},
    time::Duration,
};

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
    /// The engine: unix:///path or tcp://host:port [default: the platform's socket]
    #[arg(long, global = true, env = "DOCKER_HOST", value_name = "URL")]
    engine: Option<String>,
    /// Where the history is kept [default: quaylight/ in the XDG data folder]
    #[arg(long, global = true, env = "QUAYLIGHT_DATA_DIR", value_name = "DIR")]
    data_dir: Option<PathBuf>,
    /// Path under which everything is served [default: /]
    #[arg(long, global = true, env = "QUAYLIGHT_BASE_PATH", value_name = "PATH")]
    base_path: Option<String>,
    /// Sign-in [default: none]
    #[arg(long, global = true, env = "QUAYLIGHT_AUTH", value_name = "MODE")]
    auth: Option<AuthMode>,
    /// Refuse every change, to everybody
    #[arg(long, global = true, env = "QUAYLIGHT_READ_ONLY", num_args = 0..=1, default_missing_value = "true")]
    read_only: Option<bool>,
    /// Form of the log [default: text]; levels by RUST_LOG
    #[arg(long, global = true, env = "QUAYLIGHT_LOG", value_name = "FORMAT")]
    log: Option<LogFormat>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum AuthMode {
    /// Everybody who reaches the server may do everything: on loopback only
    None,
}

#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, ValueEnum, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum LogFormat {
    #[default]
    Text,
    Json,
}

/// Our tables of Leptos.toml. `[package]` belongs to Leptos.
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
    reconcile_seconds: Option<u64>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default, deny_unknown_fields, rename_all = "kebab-case")]
struct ServerTable {
    listen: Option<SocketAddr>,
    base_path: Option<String>,
    read_only: Option<bool>,
    log: Option<LogFormat>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default, deny_unknown_fields)]
struct AuthTable {
    mode: Option<AuthMode>,
}

/// What the server runs with.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Config {
    pub listen: SocketAddr,
    pub engine: EngineUrl,
    /// Between two looks at everything, for what no event told.
    pub reconcile: Duration,
    /// None where neither a setting nor the system names one.
    pub data_dir: Option<PathBuf>,
    pub history: Limits,
    /// Where `docker login` keeps what registries ask for.
    pub docker_config: Option<PathBuf>,
    /// Empty, or `/` and more without a slash at its end.
    pub base_path: String,
    pub auth: AuthMode,
    pub read_only: bool,
    pub log: LogFormat,
}

/// LeptosOptions of the same file, where it has them.
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
    /// From the process's flags and environment and the file in the working directory.
    pub fn read(arguments: Arguments) -> Result<Self, ConfigError> {
        let file = match std::fs::read_to_string(Path::new(FILE)) {
            Ok(text) => text,
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => String::new(),
            Err(error) => return Err(ConfigError::File(error.to_string())),
        };
        Self::from_parts(arguments, &file)
    }

    fn from_parts(arguments: Arguments, file: &str) -> Result<Self, ConfigError> {
        let file: File = toml::from_str(file).map_err(|error| ConfigError::File(error.to_string()))?;
        let flags = arguments.settings;
        let variable = |name: &str| std::env::var_os(name).map(PathBuf::from);
        let engine = match flags.engine.filter(|url| !url.is_empty()).or(file.engine.url) {
            Some(url) => url.parse().map_err(|error| ConfigError::Setting(format!("{error}")))?,
            None => EngineUrl::default(),
        };
        let base_path = flags.base_path.or(file.server.base_path).unwrap_or_default();
        let config = Self {
            listen: flags.listen.or(file.server.listen).unwrap_or(SocketAddr::from(([127, 0, 0, 1], 7300))),
            engine,
            base_path: normal_base_path(&base_path)?,
            auth: flags.auth.or(file.auth.mode).unwrap_or(AuthMode::None),
            read_only: flags.read_only.or(file.server.read_only).unwrap_or_default(),
            // Never none at all, and never more often than a large engine can be listed.
            data_dir: flags.data_dir.filter(|it| !it.as_os_str().is_empty()).or_else(|| data_dir(&variable)),
            docker_config: docker_config(&variable),
            history: Limits {
                // Less than a day or a few megabytes would hold nothing.
                days: file.history.days.map_or(Limits::default().days, |days| days.max(1)),
                megabytes: file.history.megabytes.map_or(Limits::default().megabytes, |it| it.max(8)),
            },
            reconcile: file.engine.reconcile_seconds.map_or(RECONCILE, |it| Duration::from_secs(it.max(1))),
            log: flags.log.or(file.server.log).unwrap_or_default(),
        };
        if config.auth == AuthMode::None && !config.listen.ip().is_loopback() {
            return Err(ConfigError::Setting(format!(
                "without sign-in the server listens on loopback only: {} is not; use 127.0.0.1 or [::1]",
                config.listen
            )));
        }
        Ok(config)
    }
}

impl fmt::Display for Config {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { listen, engine, base_path, read_only, .. } = self;
        write!(f, "listen {listen}, engine {engine}, base path {base_path}/, read-only {read_only}")
    }
}

/// `quaylight/` in the data folder of the user, as the XDG base directory specification has it.
fn data_dir(variable: &dyn Fn(&str) -> Option<PathBuf>) -> Option<PathBuf> {
    let absolute = |name: &str| variable(name).filter(|path| path.is_absolute());
    let base = absolute("XDG_DATA_HOME").or_else(|| Some(absolute("HOME")?.join(".local/share")));
    Some(base?.join("quaylight"))
}

/// As Docker's own command finds it.
fn docker_config(variable: &dyn Fn(&str) -> Option<PathBuf>) -> Option<PathBuf> {
    let said = |name: &str| variable(name).filter(|path| !path.as_os_str().is_empty());
    let folder = said("DOCKER_CONFIG").or_else(|| Some(said("HOME")?.join(".docker")));
    Some(folder?.join("config.json"))
}

fn normal_base_path(text: &str) -> Result<String, ConfigError> {
    let path = text.trim_end_matches('/');
    let clean = |c: char| c.is_ascii_alphanumeric() || matches!(c, '/' | '-' | '_' | '.' | '~');
    if path.is_empty() || path.starts_with('/') && !path.contains("//") && path.chars().all(clean) {
        Ok(path.to_owned())
    } else {
        Err(ConfigError::Setting(format!("{text:?} is no base path: /name, of letters, digits, - _ . ~ and /")))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn config(flags: &[&str], file: &str) -> Result<Config, ConfigError> {
        let arguments =
            Arguments::try_parse_from([&["quaylight"], flags].concat()).expect("flags of the test are valid");
        Config::from_parts(arguments, file)
    }

    #[test]
    fn flags_win_over_the_file_and_the_file_over_the_default() {
        let file = "[server]\nlisten = \"127.0.0.1:1\"\nbase-path = \"/x/\"\n[engine]\nurl = \"tcp://nas:1\"";
        let it = config(&["--listen", "127.0.0.1:2", "--engine", "unix:///x"], file).unwrap();
        assert_eq!((it.listen.port(), it.base_path.as_str()), (2, "/x"));
        assert_eq!(it.engine, EngineUrl::Unix("/x".into()));
        assert_eq!(config(&["--engine", "unix:///x"], "").unwrap().listen.port(), 7300);
    }

    #[test]
    fn an_unknown_key_is_an_error_that_names_it() {
        for file in ["[server]\nspeed = 9", "[speed]\nx = 1"] {
            let error = config(&[], file).unwrap_err().to_string();
            assert!(error.contains("speed"), "{error}");
        }
    }

    #[test]
    fn without_sign_in_only_loopback_is_listened_on() {
        for listen in ["0.0.0.0:7300", "192.0.2.1:7300", "[::]:7300"] {
            let error = config(&["--listen", listen], "").unwrap_err().to_string();
            assert!(error.contains("loopback"), "{error}");
        }
        assert!(config(&["--listen", "[::1]:7300"], "").is_ok());
    }

    #[test]
    fn the_data_folder_is_the_users_unless_said() {
        let folder = |variables: &[(&str, &str)]| {
            let variable = |name: &str| variables.iter().find(|(it, _)| *it == name).map(|it| PathBuf::from(it.1));
            data_dir(&variable).map(|path| path.to_string_lossy().into_owned())
        };
        assert_eq!(folder(&[("HOME", "/home/x")]).as_deref(), Some("/home/x/.local/share/quaylight"));
        assert_eq!(folder(&[("HOME", "/home/x"), ("XDG_DATA_HOME", "/d")]).as_deref(), Some("/d/quaylight"));
        // A relative one is to be ignored.
        assert_eq!(folder(&[("HOME", "/h"), ("XDG_DATA_HOME", "d")]).as_deref(), Some("/h/.local/share/quaylight"));
        assert_eq!(folder(&[]), None);
        let it = config(&["--data-dir", "/srv/q"], "[history]\ndays = 7").unwrap();
        assert_eq!((it.data_dir, it.history), (Some("/srv/q".into()), Limits { days: 7, megabytes: 1_024 }));
    }

    #[test]
    fn the_shipped_file_is_read_and_agrees_with_the_build() {
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
