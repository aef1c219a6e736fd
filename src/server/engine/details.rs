//! What is asked of one container now and then: how it was made, what runs in it, what it has changed.

use super::{Call, Engine, EngineError, LIST_PATIENCE, READ_PATIENCE, read::or_default};
use crate::model::{
    ContainerId, FileChange, FileChangeKind, ImageDetails, ImageId, Inspected, Layer, Processes, Timestamp,
};
use serde::Deserialize;
use serde_json::Value;

/// Changed files that are told; a container that wrote more than that is told to have.
const MOST_CHANGES: usize = 5_000;

/// In place of what nobody is shown unasked.
const MASK: &str = "***";

impl Engine {
    /// How it was made, without the values of its environment.
    pub async fn inspect(&self, id: &ContainerId) -> Result<Inspected, EngineError> {
        inspected(self.raw(id).await?)
    }

    /// What an image is made of, without the values of its environment.
    pub async fn image_details(&self, id: &ImageId) -> Result<ImageDetails, EngineError> {
        #[derive(Deserialize, Default)]
        #[serde(rename_all = "PascalCase", default)]
        struct Told {
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
        let mut told: Value = self.reader.json(Call::ImageInspect, &format!("{path}/json"), READ_PATIENCE).await?;
        // Of the container of the last step: its command may be what set a variable.
        if let Some(told) = told.as_object_mut() {
            told.remove("ContainerConfig");
        }
        let history = format!("{path}/history");
        let history: Option<Vec<Told>> = self.reader.json(Call::ImageHistory, &history, LIST_PATIENCE).await?;
        let layer = |it: Told| Layer {
            created_by: as_in_a_dockerfile(&it.created_by),
            created: Some(Timestamp::from_seconds(it.created)).filter(|_| it.created > 0),
            size: u64::try_from(it.size).unwrap_or(0),
            comment: it.comment,
        };
        let layers = history.unwrap_or_default().into_iter().map(layer).collect();
        Ok(ImageDetails { layers, inspected: inspected(told)? })
    }

    /// The value of one variable of its environment; none when there is no such.
    pub async fn variable(&self, id: &ContainerId, name: &str) -> Result<Option<String>, EngineError> {
        let told = self.raw(id).await?;
        Ok(environment(&told).into_iter().find(|(known, _)| known == name).map(|(_, value)| value))
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
        let top = self.reader.json(Call::ContainerTop, &format!("/containers/{id}/top"), READ_PATIENCE).await;
        // Podman answers nothing at all of one that does not run.
        if let Err(EngineError::Malformed(_)) = top
            && self.container(id).await?.is_some_and(|it| !it.state.is_up())
        {
            return Err(EngineError::Refused { status: 409, message: "The container is not running".to_owned() });
        }
        let Top { titles, processes } = top?;
        Ok(Processes { titles, rows: processes })
    }

    /// What its file system has that its image has not, and the other way round.
    pub async fn file_changes(&self, id: &ContainerId) -> Result<Vec<FileChange>, EngineError> {
        #[derive(Deserialize)]
        #[serde(rename_all = "PascalCase")]
        struct Change {
            path: String,
            kind: u8,
        }
        let path = format!("/containers/{id}/changes");
        let told: Option<Vec<Change>> = self.reader.json(Call::ContainerChanges, &path, LIST_PATIENCE).await?;
        let change = |it: Change| {
            let kind = match it.kind {
                1 => FileChangeKind::Added,
                2 => FileChangeKind::Deleted,
                _ => FileChangeKind::Changed,
            };
            FileChange { kind, path: it.path }
        };
        Ok(told.unwrap_or_default().into_iter().take(MOST_CHANGES).map(change).collect())
    }

    async fn raw(&self, id: &ContainerId) -> Result<Value, EngineError> {
        self.reader.json(Call::ContainerInspect, &format!("/containers/{id}/json"), READ_PATIENCE).await
    }
}

fn inspected(mut told: Value) -> Result<Inspected, EngineError> {
    let environment = environment(&told).into_iter().map(|(name, _)| name).collect();
    mask(&mut told);
    let mut facts = Vec::new();
    flatten("", &told, &mut facts);
    let json = serde_json::to_string_pretty(&told).map_err(|error| EngineError::Malformed(error.to_string()))?;
    Ok(Inspected { json, facts, environment })
}

/// `/bin/sh -c #(nop)  CMD ["nginx"]` is `CMD ["nginx"]`, and `/bin/sh -c apk add curl` is `RUN apk add curl`. What sets a variable
/// says no value, and neither do build arguments, which stand before a command: `|1 TOKEN=x /bin/sh -c make`.
fn as_in_a_dockerfile(created_by: &str) -> String {
    let told = created_by.trim_start_matches("RUN ");
    let told = match told.strip_prefix('|').and_then(|rest| rest.split_once(" /bin/sh -c ")) {
        Some((_, command)) => format!("/bin/sh -c {command}"),
        None => told.to_owned(),
    };
    let told = told.trim_end_matches("# buildkit").trim_end();
    let line = match told.strip_prefix("/bin/sh -c ") {
        Some(rest) => match rest.trim_start().strip_prefix("#(nop)") {
            Some(rest) => rest.trim_start().to_owned(),
            None => format!("RUN {rest}"),
        },
        None => told.to_owned(),
    };
    match line.strip_prefix("ENV ").and_then(|pair| pair.split_once('=')) {
        Some((name, _)) => format!("ENV {name}={MASK}"),
        None => line,
    }
}

/// Names and values.
fn environment(told: &Value) -> Vec<(String, String)> {
    let lines = told["Config"]["Env"].as_array().into_iter().flatten().filter_map(Value::as_str);
    let pair = |line: &str| {
        let (name, value) = line.split_once('=').unwrap_or((line, ""));
        (name.to_owned(), value.to_owned())
    };
    lines.map(pair).collect()
}

/// The environment's values, and what a log's driver is told to sign in with.
fn mask(told: &mut Value) {
    for line in told["Config"]["Env"].as_array_mut().into_iter().flatten() {
        if let Some((name, _)) = line.as_str().and_then(|line| line.split_once('=')) {
            *line = Value::String(format!("{name}={MASK}"));
        }
    }
    let is_secret = |key: &str| ["token", "secret", "password", "key", "credential"].iter().any(|it| key.contains(it));
    for (key, value) in told["HostConfig"]["LogConfig"]["Config"].as_object_mut().into_iter().flatten() {
        if is_secret(&key.to_ascii_lowercase()) {
            *value = Value::String(MASK.to_owned());
        }
    }
}

/// Each value by the way to it: `HostConfig.Binds[0]`.
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
    fn a_layer_is_told_as_its_dockerfile_has_it() {
        for (told, line) in [
            (r#"/bin/sh -c #(nop)  CMD ["nginx"]"#, r#"CMD ["nginx"]"#),
            ("/bin/sh -c apk add curl", "RUN apk add curl"),
            ("RUN /bin/sh -c make # buildkit", "RUN make"),
            ("|2 A=1 TOKEN=s3cret with words /bin/sh -c make", "RUN make"),
            ("RUN |1 TOKEN=s3cret /bin/sh -c make # buildkit", "RUN make"),
            ("COPY / / # buildkit", "COPY / /"),
            ("/bin/sh -c #(nop)  ENV TOKEN=s3cret", "ENV TOKEN=***"),
            ("ENV TOKEN=s3cret", "ENV TOKEN=***"),
            ("", ""),
        ] {
            assert_eq!(as_in_a_dockerfile(told), line);
        }
    }

    #[test]
    fn what_is_secret_is_nowhere_in_what_is_told() {
        let mut told = json!({
            "Config": {"Env": ["PASSWORD=s3cret", "EMPTY=", "BARE"], "Cmd": []},
            "HostConfig": {"LogConfig": {"Config": {"splunk-token": "s3cret", "max-size": "10m"}}},
        });
        assert_eq!(environment(&told)[0], ("PASSWORD".into(), "s3cret".into()));
        mask(&mut told);
        assert!(!told.to_string().contains("s3cret"));
        let mut facts = Vec::new();
        flatten("", &told, &mut facts);
        let fact = |at: &str| facts.iter().find(|(it, _)| it == at).map(|(_, value)| value.as_str());
        assert_eq!(fact("Config.Env[0]"), Some("PASSWORD=***"));
        assert_eq!((fact("Config.Env[2]"), fact("Config.Cmd")), (Some("BARE"), Some("[]")));
        assert_eq!(fact("HostConfig.LogConfig.Config.max-size"), Some("10m"));
    }
}
