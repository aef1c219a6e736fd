//! Tests of the wording: words and openings that the code, the documents and the screen don't use. `docs/glossary.md` has
//! the terms to use instead.

use std::{fs, path::Path};

/// Words that hide a standard term. They count inside identifiers too: `is_told`, `isTold`.
const BANNED: [&str; 7] = ["anew", "apart", "nobody", "somebody", "told", "whoever", "whomever"];

const ROOTS: [&str; 12] = [
    "README.md",
    "benches",
    "docs",
    "end2end",
    "fuzz/targets",
    "public/self-test",
    "public/self-test.js",
    "public/terminal.js",
    "scripts",
    "src",
    "style",
    "tests",
];

const ENDINGS: [&str; 7] = ["rs", "ts", "js", "css", "md", "sh", "py"];

fn walk(path: &Path, found: &mut Vec<(String, String)>) {
    if path.is_dir() {
        fs::read_dir(path).unwrap().for_each(|entry| walk(&entry.unwrap().path(), found));
        return;
    }
    // Scripts have no ending.
    let is_text = path.extension().is_none_or(|ending| ENDINGS.iter().any(|it| ending == *it));
    if is_text && !path.ends_with("src/wording.rs") {
        found.push((path.to_string_lossy().replace('\\', "/"), fs::read_to_string(path).unwrap()));
    }
}

fn files() -> Vec<(String, String)> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let mut found = Vec::new();
    ROOTS.iter().for_each(|it| walk(&root.join(it), &mut found));
    assert!(found.len() > 500, "only {} files", found.len());
    found
}

/// The words of a line in lower case, with identifiers split at underscores and capitals.
fn words(line: &str) -> Vec<String> {
    let mut words = vec![String::new()];
    let mut was_lower = false;
    for letter in line.chars() {
        let last = words.last_mut().expect("never empty");
        if !letter.is_alphabetic() || (letter.is_uppercase() && was_lower) {
            words.push(letter.to_lowercase().filter(|it| it.is_alphabetic()).collect());
        } else {
            last.extend(letter.to_lowercase());
        }
        was_lower = letter.is_lowercase();
    }
    words
}

#[test]
fn banned_words_do_not_occur() {
    let mut found = Vec::new();
    for (path, text) in files() {
        // The key of a stored value is data.
        let is_stored_key = |line: &&str| line.trim_start().starts_with("#[serde(alias = ");
        for (number, line) in text.lines().enumerate().filter(|(_, line)| !is_stored_key(line)) {
            for word in words(line).into_iter().filter(|it| BANNED.contains(&it.as_str())) {
                found.push(format!("{path}:{}: {word}", number + 1));
            }
        }
    }
    assert!(found.is_empty(), "{} banned words: {found:#?}", found.len());
}

#[test]
fn module_heads_are_no_questions() {
    let heads = files().into_iter().filter_map(|(path, text)| {
        let first = text.lines().find(|line| !line.starts_with("#!"))?.to_owned();
        let is_head = ["//", "/*", "#"].iter().any(|it| first.starts_with(it));
        (is_head && first.contains('?')).then(|| format!("{path}: {first}"))
    });
    let found: Vec<_> = heads.collect();
    assert!(found.is_empty(), "{found:#?}");
}

#[test]
fn identifiers_are_split_into_words() {
    let words: Vec<_> = words("isTold is_told(x)").into_iter().filter(|it| !it.is_empty()).collect();
    assert_eq!(words, ["is", "told", "is", "told", "x"]);
}
