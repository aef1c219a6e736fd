//! Labels that style sheets show, such as before a value on a card that has no column heads. A style sheet names a label by its
//! custom property: `content: var(--label-created)`.

use crate::client::t;

/// The custom property, and the label in English.
const LABELS: [(&str, &str); 14] = [
    ("--label-changes", "changes"),
    ("--label-code", "code"),
    ("--label-cpu", "CPU"),
    ("--label-created", "created"),
    ("--label-max", "max"),
    ("--label-memory", "memory"),
    ("--label-messages", "messages"),
    ("--label-network", "network"),
    ("--label-opened", "opened"),
    ("--label-p50", "p50"),
    ("--label-p95", "p95"),
    ("--label-received", "received"),
    ("--label-refused", "refused"),
    ("--label-unhealthy", "unhealthy"),
];

/// A style sheet with the labels in the user's language.
pub fn style_labels() -> String {
    let labels: String = LABELS.iter().map(|(property, label)| format!("{property}:{:?};", t(label))).collect();
    format!(":root{{{labels}}}")
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::{fs, path::Path};

    fn sheets(folder: &Path, found: &mut Vec<(String, String)>) {
        for entry in fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                sheets(&path, found);
            } else {
                found.push((path.display().to_string(), fs::read_to_string(&path).unwrap()));
            }
        }
    }

    #[test]
    fn style_sheets_contain_no_text_and_use_each_label() {
        let mut found = Vec::new();
        sheets(&Path::new(env!("CARGO_MANIFEST_DIR")).join("style"), &mut found);
        for (path, sheet) in &found {
            for line in sheet.lines().filter(|it| it.trim_start().starts_with("content:")) {
                let quoted = line.split('"').skip(1).step_by(2).collect::<String>();
                assert!(!quoted.contains(char::is_alphabetic), "{path}: {line}");
            }
        }
        let all: String = found.into_iter().map(|(_, sheet)| sheet).collect();
        for property in style_labels().split([';', '{', '}']).filter_map(|it| it.split_once(':')).map(|(it, _)| it) {
            assert!(property.is_empty() || all.contains(&format!("var({property})")), "{property}");
        }
    }
}
