//! Docker contexts: named endpoints in the configuration folder of the docker command.

use super::engine::TlsFiles;
use serde::Deserialize;
use std::{
    fs,
    path::{Path, PathBuf},
};

/// Stands for the context that `docker context use` has selected.
pub const CURRENT: &str = "current";

/// The context that the docker command uses if none is selected.
const DEFAULT: &str = "default";

/// The endpoint of a stored context.
#[derive(Debug, PartialEq, Eq)]
pub struct DockerContext {
    pub url: String,
    pub tls: Option<TlsFiles>,
}

#[derive(Debug, thiserror::Error)]
pub enum ContextError {
    #[error("there is no Docker context named {name:?}; available contexts: {}", .known.join(", "))]
    Unknown { name: String, known: Vec<String> },
    #[error("the Docker context {0:?} has no engine endpoint")]
    NoEndpoint(String),
    #[error("the Docker context {0:?} disables TLS verification, which Quaylight doesn't support")]
    Unverified(String),
}

/// The part of `meta.json` that Quaylight needs.
#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Meta {
    name: String,
    #[serde(default)]
    endpoints: Endpoints,
}

#[derive(Deserialize, Default)]
struct Endpoints {
    docker: Option<Docker>,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase", default)]
#[derive(Default)]
struct Docker {
    host: String,
    #[serde(rename = "SkipTLSVerify")]
    skip_tls_verify: bool,
}

/// Reads a context from the docker command's configuration folder. `None` for the default context, which has no endpoint.
/// `chosen` is `DOCKER_CONTEXT`.
pub fn read(folder: &Path, name: &str, chosen: Option<&str>) -> Result<Option<DockerContext>, ContextError> {
    let all = all(folder);
    let is_there = |name: &str| all.iter().any(|(_, it)| it.name == name);
    let name = match name {
        CURRENT if !is_there(CURRENT) => {
            chosen.map(str::to_owned).or_else(|| current(folder)).unwrap_or(DEFAULT.into())
        }
        name => name.to_owned(),
    };
    let Some((id, meta)) = all.iter().find(|(_, it)| it.name == name) else {
        if name == DEFAULT {
            return Ok(None);
        }
        let mut known: Vec<_> = all.iter().map(|(_, it)| it.name.clone()).chain([DEFAULT.to_owned()]).collect();
        known.sort();
        return Err(ContextError::Unknown { name, known });
    };
    let docker = meta.endpoints.docker.as_ref().filter(|it| !it.host.is_empty());
    let docker = docker.ok_or_else(|| ContextError::NoEndpoint(name.clone()))?;
    let files = folder.join("contexts/tls").join(id).join("docker");
    if docker.skip_tls_verify {
        return Err(ContextError::Unverified(name));
    }
    Ok(Some(DockerContext { url: docker.host.clone(), tls: files.is_dir().then(|| tls(&files)) }))
}

/// A context may have a client certificate without its own CA.
fn tls(folder: &Path) -> TlsFiles {
    let files = TlsFiles::in_folder(folder);
    TlsFiles { ca: files.ca.filter(|ca| ca.exists()), ..files }
}

/// All contexts, each with the name of its folder.
fn all(folder: &Path) -> Vec<(PathBuf, Meta)> {
    let folders = fs::read_dir(folder.join("contexts/meta")).into_iter().flatten().flatten();
    let read = |entry: fs::DirEntry| {
        let text = fs::read_to_string(entry.path().join("meta.json")).ok()?;
        match serde_json::from_str(&text) {
            Ok(meta) => Some((entry.file_name().into(), meta)),
            Err(error) => {
                tracing::warn!(file = %entry.path().display(), %error, "cannot read a Docker context");
                None
            }
        }
    };
    folders.filter_map(read).collect()
}

fn current(folder: &Path) -> Option<String> {
    #[derive(Deserialize)]
    #[serde(rename_all = "camelCase")]
    struct ConfigFile {
        current_context: Option<String>,
    }
    let text = fs::read_to_string(folder.join("config.json")).ok()?;
    let file: ConfigFile = serde_json::from_str(&text).ok()?;
    file.current_context.filter(|name| !name.is_empty())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn add(folder: &Path, id: &str, meta: &str) {
        let context = folder.join("contexts/meta").join(id);
        fs::create_dir_all(&context).unwrap();
        fs::write(context.join("meta.json"), meta).unwrap();
    }

    fn url(folder: &Path, name: &str, chosen: Option<&str>) -> Result<Option<String>, String> {
        read(folder, name, chosen).map(|it| it.map(|it| it.url)).map_err(|error| error.to_string())
    }

    #[test]
    fn contexts_are_found_by_name_in_the_docker_config_folder() {
        let home = tempfile::tempdir().unwrap();
        let folder = home.path();
        assert_eq!(url(folder, "default", None), Ok(None));
        let nas =
            r#"{"Name":"nas","Metadata":{},"Endpoints":{"docker":{"Host":"tcp://nas:2376","SkipTLSVerify":false}}}"#;
        add(folder, "aa", nas);
        add(
            folder,
            "bb",
            r#"{"Name":"ssh","Metadata":{"Description":"x"},"Endpoints":{"docker":{"Host":"ssh://root@pi"}}}"#,
        );
        add(folder, "cc", r#"{"Name":"kube","Endpoints":{"kubernetes":{}}}"#);
        add(folder, "dd", r#"{"Name":"lax","Endpoints":{"docker":{"Host":"tcp://x","SkipTLSVerify":true}}}"#);
        add(folder, "ee", "half a");
        assert_eq!(url(folder, "ssh", None).unwrap().as_deref(), Some("ssh://root@pi"));
        assert_eq!(read(folder, "nas", None).unwrap().unwrap().tls, None);
        let tls = folder.join("contexts/tls/aa/docker");
        fs::create_dir_all(&tls).unwrap();
        fs::write(tls.join("ca.pem"), "").unwrap();
        let files = TlsFiles { ca: Some(tls.join("ca.pem")), client: None };
        assert_eq!(read(folder, "nas", None).unwrap().unwrap().tls, Some(files));
        assert_eq!(
            url(folder, "pi", None).unwrap_err(),
            r#"there is no Docker context named "pi"; available contexts: default, kube, lax, nas, ssh"#
        );
        assert!(url(folder, "kube", None).unwrap_err().contains("no engine endpoint"));
        assert!(url(folder, "lax", None).unwrap_err().contains("disables TLS verification"));
    }

    #[test]
    fn current_context_comes_from_the_environment_then_the_config() {
        let home = tempfile::tempdir().unwrap();
        let folder = home.path();
        for name in ["one", "two"] {
            let meta = format!(r#"{{"Name":"{name}","Endpoints":{{"docker":{{"Host":"unix:///{name}"}}}}}}"#);
            add(folder, name, &meta);
        }
        assert_eq!(url(folder, CURRENT, None), Ok(None));
        fs::write(folder.join("config.json"), r#"{"auths":{},"currentContext":"two"}"#).unwrap();
        assert_eq!(url(folder, CURRENT, None).unwrap().as_deref(), Some("unix:///two"));
        assert_eq!(url(folder, CURRENT, Some("one")).unwrap().as_deref(), Some("unix:///one"));
        assert_eq!(url(folder, CURRENT, Some("default")), Ok(None));
    }
}
