//! Test: the translation table covers the texts in the code.

use super::table::Table;
use std::{collections::BTreeSet, fs, path::Path};

const KOREAN: &str = include_str!("../../../public/lang/ko.po");

/// Literals that look like texts but need no translation: names, keys of a keyboard, classes.
const AS_THEY_ARE: &[&str] = &[
    "docker logs quaylight",
    ".act > button",
    ".pick > input",
    "ArrowDown",
    "ArrowUp",
    "End",
    "Enter",
    "Escape",
    "GiB",
    "Home",
    "KiB",
    "KiB, MiB, GiB",
    "MiB",
    "PiB",
    "Quaylight",
    "Tab",
    "Docker Hub",
    "Dockerfile",
    ".act > .more",
    "docker network create backend",
    "docker pull nginx",
    "docker run --network backend nginx",
    "docker volume create data",
    "light dark",
    "The page holds no state of this version.",
    "TiB",
    "WebSocket",
    "unreadable message from the server: {}",
    "docker run",
    "docker run --rm hello-world",
    "docker run -d --name hello -p 8080:80 nginx",
    "sudo systemctl start docker",
    "the server did not understand: {}",
    "{} · Quaylight",
];

fn files(folder: &Path, ending: &str, found: &mut Vec<(String, String)>) {
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            files(&path, ending, found);
        } else if path.extension().is_some_and(|it| it == ending) {
            let text = fs::read_to_string(&path).unwrap();
            let code = text.split("#[cfg(test)]\nmod tests").next().unwrap_or_default().to_owned();
            found.push((path.to_string_lossy().replace('\\', "/"), code));
        }
    }
}

fn sources(folder: &str) -> Vec<(String, String)> {
    let mut found = Vec::new();
    files(&Path::new(env!("CARGO_MANIFEST_DIR")).join(folder), "rs", &mut found);
    found.retain(|(path, _)| !path.contains("client/language/") && !path.ends_with("layering.rs"));
    found
}

/// Returns the string literals, each with the code right before it. Skips comments and character literals.
fn literals(code: &str) -> Vec<(String, String)> {
    let all: Vec<char> = code.chars().collect();
    let mut found = Vec::new();
    let mut at = 0;
    while at < all.len() {
        let (this, next) = (all[at], all.get(at + 1).copied().unwrap_or_default());
        let is_raw = this == 'r' && matches!(next, '"' | '#') && (at == 0 || !all[at - 1].is_alphanumeric());
        match this {
            '/' if next == '/' => at += all[at..].iter().take_while(|it| **it != '\n').count(),
            '\'' if next == '\\' => at += 2 + all[at + 2..].iter().take_while(|it| **it != '\'').count() + 1,
            '\'' if all.get(at + 2) == Some(&'\'') => at += 3,
            '"' => {
                let begun = at;
                let mut text = String::new();
                at += 1;
                while all[at] != '"' {
                    match (all[at], all[at + 1]) {
                        ('\\', '\n') => at += 1 + all[at + 1..].iter().take_while(|it| it.is_whitespace()).count(),
                        ('\\', escaped) => {
                            text.push(if escaped == 'n' { '\n' } else { escaped });
                            at += 2;
                        }
                        (plain, _) => {
                            text.push(plain);
                            at += 1;
                        }
                    }
                }
                at += 1;
                found.push((all[begun.saturating_sub(80)..begun].iter().collect(), text));
            }
            'r' if is_raw => {
                let hashes = all[at + 1..].iter().take_while(|it| **it == '#').count();
                at += hashes + 1;
                if all[at] == '"' {
                    let end: Vec<char> = std::iter::once('"').chain(std::iter::repeat_n('#', hashes)).collect();
                    let length = all[at + 1..].windows(end.len()).take_while(|it| *it != end.as_slice()).count();
                    at += 1 + length + end.len();
                }
            }
            _ => at += 1,
        }
    }
    found
}

/// Whether a literal is the template of a message: `message!("…", …)`.
fn is_message(before: &str) -> bool {
    before.trim_end().ends_with("message!(")
}

/// The key of a literal in the translations. Messages of the server keep the names of their values: `message!("{port} is in
/// use", …)`. In other texts each value is `{}`.
fn as_key(before: &str, literal: &str) -> String {
    if is_message(before) {
        return literal.to_owned();
    }
    let mut key = String::new();
    let mut rest = literal;
    while let Some((before, behind)) = rest.split_once('{') {
        key.push_str(before);
        key.push_str("{}");
        rest = behind.split_once('}').map_or("", |(_, behind)| behind);
    }
    key + rest
}

/// Whether a literal is user-visible text: it starts like a sentence, or contains adjacent words.
fn is_read(before: &str, text: &str) -> bool {
    const NOT_SHOWN: [&str; 8] = ["class=", "expect(", "panic!(", "r#as=", " d=", "style=", "attribute(", "target="];
    let before = before.trim_end();
    let is_class = ["button ", "chip ", "log ", "on ", "state "].iter().any(|it| text.starts_with(it))
        || text.ends_with(" number");
    if is_class && !text.contains(char::is_uppercase) {
        return false;
    }
    if NOT_SHOWN.iter().any(|it| before.ends_with(it)) {
        return false;
    }
    let mut letters = text.chars();
    let begins = letters.next().is_some_and(char::is_uppercase) && letters.next().is_some_and(char::is_lowercase);
    let words: Vec<&str> = text.split(' ').map(|word| word.trim_matches(|it: char| ",.;:…".contains(it))).collect();
    let is_word = |word: &&&str| word.len() > 1 && word.chars().all(|it| it.is_lowercase());
    begins || words.iter().filter(is_word).count() > 1
}

#[test]
fn translation_table_is_sorted_and_uses_every_placeholder() {
    let keys: Vec<&str> = Table::read(KOREAN).all().map(|(english, _)| english).collect();
    assert!(keys.is_sorted_by(|a, b| a < b), "{:?}", keys.windows(2).find(|pair| pair[0] >= pair[1]));
    for (english, korean) in Table::read(KOREAN).all() {
        let values = english.matches("{}").count();
        let used = |at: usize| korean.contains(&format!("{{{at}}}"));
        let in_order = korean.matches("{}").count();
        assert!(in_order == values || (in_order == 0 && (0..values).all(used)), "{english} → {korean}");
        let names = |text: &str| -> BTreeSet<String> {
            let names = text.split('{').skip(1).filter_map(|it| it.split('}').next());
            names.filter(|name| name.starts_with(|it: char| it.is_ascii_lowercase())).map(str::to_owned).collect()
        };
        assert_eq!(names(english), names(korean), "{english} → {korean}");
    }
}

#[test]
fn every_ui_text_has_a_translation() {
    let table = Table::read(KOREAN);
    let mut missing = BTreeSet::new();
    for (path, code) in sources("src/views").into_iter().chain(sources("src/client")) {
        // The head of the document starts with a script.
        for (before, text) in literals(&code).into_iter().filter(|_| !path.ends_with("views/shell.rs")) {
            let key = as_key(&before, &text);
            if is_read(&before, &text) && table.exact(&key).is_none() && !AS_THEY_ARE.contains(&key.as_str()) {
                missing.insert(format!("{}: {key:?}", path.rsplit("/src/").next().unwrap_or_default()));
            }
        }
    }
    assert!(missing.is_empty(), "{missing:#?}");
}

#[test]
fn every_message_has_a_translation() {
    let table = Table::read(KOREAN);
    let mut missing = BTreeSet::new();
    for (path, code) in sources("src") {
        let messages = literals(&code).into_iter().filter(|(before, _)| is_message(before));
        for (_, text) in messages.filter(|(_, text)| table.exact(text).is_none()) {
            missing.insert(format!("{}: {text:?}", path.rsplit("/src/").next().unwrap_or_default()));
        }
    }
    assert!(missing.is_empty(), "{missing:#?}");
}

#[test]
fn translation_table_has_no_stale_entries() {
    let mut said: Vec<String> = sources("src")
        .iter()
        .flat_map(|(_, code)| literals(code))
        .map(|(before, text)| as_key(&before, &text))
        .collect();
    let mut scripts = Vec::new();
    files(&Path::new(env!("CARGO_MANIFEST_DIR")).join("public"), "js", &mut scripts);
    said.extend(scripts.into_iter().map(|(_, code)| code));
    let said = said.join("\n");
    // A text may be composed of several parts: each must occur somewhere.
    let is_said = |key: &str| key.split("{}").all(|part| said.contains(part.trim()));
    let stale: Vec<_> = Table::read(KOREAN).all().filter(|(key, _)| !is_said(key)).map(|(key, _)| key).collect();
    assert!(stale.is_empty(), "{stale:#?}");
}
