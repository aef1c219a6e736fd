//! Details of one container or image, requested on demand: configuration, processes, changed files, layers.

use super::{Call, Engine, EngineError, LIST_TIMEOUT, READ_TIMEOUT, read::or_default};
use crate::{
    message,
    model::{
        ContainerId, FileChange, FileChangeKind, ImageDetails, ImageId, Inspected, Layer, Processes, Timestamp, mask,
    },
};
use serde::Deserialize;
use serde_json::Value;

/// Maximum number of changed files. More are truncated.
const MOST_CHANGES: usize = 5_000;

impl Engine {
    /// Inspects a container. Masks the values of its environment.
    pub async fn inspect(&self, id: &ContainerId) -> Result<Inspected, EngineError> {
        inspected(self.raw(id).await?)
    }

    /// Returns an image's layers and configuration. Masks the values of its environment.
    pub async fn image_details(&self, id: &ImageId) -> Result<ImageDetails, EngineError> {
        #[derive(Deserialize, Default)]
        #[serde(rename_all = "PascalCase", default)]
        struct ApiHistoryEntry {
            #[serde(deserialize_with = "or_default")]
            created_by: String,
            #[serde(deserialize_with = "or_default")]
            created: i64,
            #[serde(deserialize_with = "or_default")]
            size: i64,
            #[serde(deserialize_with = "or_default")]
            comment: String,
        }
        let path = format!("/images/{id}");
        let mut response: Value = self.reader.json(Call::ImageInspect, &format!("{path}/json"), READ_TIMEOUT).await?;
        // `ContainerConfig` is the last build step's container, whose command may set a variable.
        if let Some(fields) = response.as_object_mut() {
            fields.remove("ContainerConfig");
        }
        let history = format!("{path}/history");
        let history: Option<Vec<ApiHistoryEntry>> =
            self.reader.json(Call::ImageHistory, &history, LIST_TIMEOUT).await?;
        let layer = |it: ApiHistoryEntry| Layer {
            created_by: mask::layer(&it.created_by),
            created: Some(Timestamp::from_seconds(it.created)).filter(|_| it.created > 0),
            size: u64::try_from(it.size).unwrap_or(0),
            comment: it.comment,
        };
        let layers = history.unwrap_or_default().into_iter().map(layer).collect();
        let parts = ["Os", "Architecture", "Variant"].map(|part| response[part].as_str().unwrap_or_default());
        let platform = parts.into_iter().filter(|part| !part.is_empty()).collect::<Vec<_>>().join("/");
        Ok(ImageDetails { layers, platform, inspected: inspected(response)? })
    }

    /// Returns the value of an environment variable. None if it is not set.
    pub async fn variable(&self, id: &ContainerId, name: &str) -> Result<Option<String>, EngineError> {
        let response = self.raw(id).await?;
        Ok(environment(&response).into_iter().find(|(known, _)| known == name).map(|(_, value)| value))
    }

    pub async fn processes(&self, id: &ContainerId) -> Result<Processes, EngineError> {
        #[derive(Deserialize, Default)]
        #[serde(rename_all = "PascalCase", default)]
        struct Top {
            #[serde(deserialize_with = "or_default")]
            titles: Vec<String>,
            #[serde(deserialize_with = "or_default")]
            processes: Vec<Vec<String>>,
        }
        let top = self.reader.json(Call::ContainerTop, &format!("/containers/{id}/top"), READ_TIMEOUT).await;
        // Podman sends an empty response for a container that doesn't run.
        if let Err(EngineError::Malformed(_)) = top
            && self.container(id).await?.is_some_and(|it| !it.state.is_up())
        {
            return Err(EngineError::refused(409, message!("The container is not running")));
        }
        let Top { titles, processes } = match top {
            Ok(top) => top,
            Err(error) => return Err(self.explain_of(Call::ContainerTop, id, error).await),
        };
        Ok(Processes { titles, rows: processes })
    }

    /// Returns the differences between the file systems of a container and its image.
    pub async fn file_changes(&self, id: &ContainerId) -> Result<Vec<FileChange>, EngineError> {
        #[derive(Deserialize)]
        #[serde(rename_all = "PascalCase")]
        struct Change {
            path: String,
            kind: u8,
        }
        let path = format!("/containers/{id}/changes");
        let changes: Option<Vec<Change>> = self.reader.json(Call::ContainerChanges, &path, LIST_TIMEOUT).await?;
        let change = |it: Change| {
            let kind = match it.kind {
                1 => FileChangeKind::Added,
                2 => FileChangeKind::Deleted,
                _ => FileChangeKind::Changed,
            };
            FileChange { kind, path: it.path }
        };
        Ok(changes.unwrap_or_default().into_iter().take(MOST_CHANGES).map(change).collect())
    }

    async fn raw(&self, id: &ContainerId) -> Result<Value, EngineError> {
        self.reader.json(Call::ContainerInspect, &format!("/containers/{id}/json"), READ_TIMEOUT).await
    }
}

fn inspected(mut response: Value) -> Result<Inspected, EngineError> {
    let environment = environment(&response).into_iter().map(|(name, _)| name).collect();
    hide_secrets(&mut response);
    let mut facts = Vec::new();
    flatten("", &response, &mut facts);
    let json = serde_json::to_string_pretty(&response).map_err(|error| EngineError::Malformed(error.to_string()))?;
    Ok(Inspected { json, facts, environment })
}

/// Returns the names and values of the environment.
fn environment(response: &Value) -> Vec<(String, String)> {
    let lines = response["Config"]["Env"].as_array().into_iter().flatten().filter_map(Value::as_str);
    let pair = |line: &str| {
        let (name, value) = line.split_once('=').unwrap_or((line, ""));
        (name.to_owned(), value.to_owned())
    };
    lines.map(pair).collect()
}

/// Masks secrets at any depth: engines repeat them in several places, and not all engines in the same ones.
fn hide_secrets(json: &mut Value) {
    match json {
        Value::Object(map) => {
            for (key, value) in map {
                match key.as_str() {
                    "Env" => each_text(value, mask::assignment),
                    "OnBuild" => each_text(value, mask::instruction),
                    // Podman only. It repeats each `--env`.
                    "CreateCommand" => each_text(value, |_| mask::HIDDEN.to_owned()),
                    "CreatedBy" | "created_by" => one_text(value, mask::layer),
                    "Healthcheck" => hide_test(value.get_mut("Test")),
                    "LogConfig" => each_option(value.get_mut("Config"), mask::log_option),
                    // Mount options may contain a share's user and password.
                    "DriverConfig" => each_option(value.get_mut("Options"), |_, _| mask::HIDDEN.to_owned()),
                    _ => hide_secrets(value),
                }
            }
        }
        Value::Array(list) => list.iter_mut().for_each(hide_secrets),
        _ => {}
    }
}

fn one_text(value: &mut Value, hide: impl Fn(&str) -> String) {
    if let Some(text) = value.as_str() {
        *value = Value::String(hide(text));
    }
}

fn each_text(list: &mut Value, hide: impl Fn(&str) -> String) {
    for value in list.as_array_mut().into_iter().flatten() {
        one_text(value, &hide);
    }
}

fn each_option(options: Option<&mut Value>, hide: impl Fn(&str, &str) -> String) {
    for (key, value) in options.and_then(Value::as_object_mut).into_iter().flatten() {
        one_text(value, |text| hide(key, text));
    }
}

fn hide_test(test: Option<&mut Value>) {
    let Some(Value::Array(words)) = test else { return };
    let said: Vec<String> = words.iter().map(|word| word.as_str().unwrap_or_default().to_owned()).collect();
    *words = mask::health_test(&said).into_iter().map(Value::String).collect();
}

/// Collects each value with its path, like `HostConfig.Binds[0]`.
fn flatten(at: &str, value: &Value, facts: &mut Vec<(String, String)>) {
    match value {
        Value::Object(map) if !map.is_empty() => {
            for (key, value) in map {
                let at = if at.is_empty() { key.clone() } else { format!("{at}.{key}") };
                flatten(&at, value, facts);
            }
        }
        Value::Array(list) if !list.is_empty() => {
            for (number, value) in list.iter().enumerate() {
                flatten(&format!("{at}[{number}]"), value, facts);
            }
        }
        Value::String(text) => facts.push((at.to_owned(), text.clone())),
        other => facts.push((at.to_owned(), other.to_string())),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn masking_adds_no_fields() {
        let lacking = json!({"Id": "sha256:0123", "Config": {"Labels": {}}, "HostConfig": {"LogConfig": {}}});
        let mut masked = lacking.clone();
        hide_secrets(&mut masked);
        assert_eq!(masked, lacking);
    }

    #[test]
    fn inspect_details_contain_no_secrets() {
        let mut response = json!({
            "Config": {
                "Env": ["PASSWORD=s3cret", "EMPTY=", "BARE"],
                "Cmd": [],
                "CreateCommand": ["podman", "run", "--env", "PASSWORD=s3cret"],
                "Healthcheck": {"Test": ["CMD", "curl", "--user", "a:s3cret"], "Retries": 3},
                "OnBuild": ["ARG TOKEN=s3cret", "RUN make"],
            },
            "History": [{"CreatedBy": "|1 TOKEN=s3cret /bin/sh -c make"}],
            "HostConfig": {
                "LogConfig": {"Type": "splunk", "Config": {
                    "splunk-token": "s3cret", "gelf-address": "udp://user:s3cret@host", "max-size": "10m",
                }},
                "Mounts": [{"Source": "share", "VolumeOptions": {"DriverConfig": {
                    "Name": "local", "Options": {"type": "cifs", "o": "username=a,password=s3cret"},
                }}}],
            },
        });
        assert_eq!(environment(&response)[0], ("PASSWORD".into(), "s3cret".into()));
        hide_secrets(&mut response);
        assert!(!response.to_string().contains("s3cret"), "{response}");
        let mut facts = Vec::new();
        flatten("", &response, &mut facts);
        let fact = |at: &str| facts.iter().find(|(it, _)| it == at).map(|(_, value)| value.as_str());
        assert_eq!(fact("Config.Env[0]"), Some("PASSWORD=***"));
        assert_eq!((fact("Config.Env[2]"), fact("Config.Cmd")), (Some("BARE"), Some("[]")));
        assert_eq!(fact("HostConfig.LogConfig.Config.max-size"), Some("10m"));
        assert_eq!((fact("Config.Healthcheck.Test[0]"), fact("Config.Healthcheck.Retries")), (Some("CMD"), Some("3")));
        assert_eq!((fact("Config.OnBuild[1]"), fact("History[0].CreatedBy")), (Some("RUN make"), Some("RUN make")));
        assert_eq!(fact("HostConfig.Mounts[0].VolumeOptions.DriverConfig.Name"), Some("local"));
    }
}
