//! Prometheus for one test, and its promtool.

use crate::{raw_http::ask, support::TIMEOUT};
use serde_json::Value;
use std::process::Stdio;
use tempfile::TempDir;
use tokio::{
    io::{AsyncBufReadExt, AsyncWriteExt, BufReader},
    process::{Child, Command},
    time::timeout,
};

/// Scrapes one server five times a second, and stores the samples in a separate folder.
pub struct Prometheus {
    _folder: TempDir,
    url: String,
    process: Child,
}

impl Prometheus {
    /// Returns when it responds. `target` is a host and a port.
    pub async fn looking_at(target: &str) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let config = folder.path().join("prometheus.yml");
        let settings = format!(
            "global: {{scrape_interval: 200ms, scrape_timeout: 200ms}}\n\
             scrape_configs: [{{job_name: quaylight, static_configs: [{{targets: ['{target}']}}]}}]\n"
        );
        std::fs::write(&config, settings).unwrap();
        let mut command = Command::new("prometheus");
        command
            .arg(format!("--config.file={}", config.display()))
            .arg(format!("--storage.tsdb.path={}", folder.path().join("data").display()))
            .args(["--web.listen-address=127.0.0.1:0", "--log.format=json"])
            .stdin(Stdio::null())
            .stderr(Stdio::piped())
            .kill_on_drop(true);
        let mut process = command.spawn().expect("there is a prometheus");
        let mut log = BufReader::new(process.stderr.take().unwrap()).lines();
        let address = async {
            while let Some(line) = log.next_line().await.unwrap() {
                let line: Value = serde_json::from_str(&line).unwrap_or_default();
                if line["msg"] == "Listening on" {
                    return line["address"].as_str().unwrap().to_owned();
                }
            }
            panic!("Prometheus ended at once");
        };
        let address = timeout(TIMEOUT, address).await.expect("it says where it listens");
        // Keeps reading the log, so that Prometheus never blocks on it.
        tokio::spawn(async move { while let Ok(Some(_)) = log.next_line().await {} });
        Self { _folder: folder, url: format!("tcp://{address}"), process }
    }

    /// The current value of a PromQL query; None for no value or several. Panics on an invalid query.
    pub async fn query(&self, query: &str) -> Option<String> {
        let encoded: String = query.bytes().map(|byte| format!("%{byte:02X}")).collect();
        let (status, body) = ask(&self.url, "GET", &format!("/api/v1/query?query={encoded}"), "").await;
        if status == 503 {
            return None; // Not ready yet.
        }
        assert_eq!(status, 200, "{query}: {body}");
        let answer: Value = serde_json::from_str(&body).unwrap();
        match answer["data"]["result"].as_array().unwrap().as_slice() {
            [one] => one["value"][1].as_str().map(str::to_owned),
            _ => None,
        }
    }
}

impl Drop for Prometheus {
    fn drop(&mut self) {
        let _ = self.process.start_kill();
    }
}

/// The complaints of promtool about a response of `/metrics`: empty if all is well.
pub async fn promtool_check(metrics: &str) -> String {
    let mut command = Command::new("promtool");
    command.args(["check", "metrics"]).stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
    let mut promtool = command.spawn().expect("there is a promtool");
    let mut stdin = promtool.stdin.take().unwrap();
    stdin.write_all(metrics.as_bytes()).await.unwrap();
    drop(stdin);
    let output = promtool.wait_with_output().await.unwrap();
    let said = [output.stdout, output.stderr].concat();
    let said = String::from_utf8_lossy(&said).into_owned();
    assert_eq!(output.status.success(), said.is_empty(), "{said}");
    said
}
