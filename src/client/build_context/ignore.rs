//! `.dockerignore` parser and matcher, following the rules of Docker's own implementation.

/// The patterns of one file, in file order.
#[derive(Debug, Default)]
pub struct Ignore(Vec<Pattern>);

#[derive(Debug)]
struct Pattern {
    /// `!`: files that match belong to the build after all.
    is_exception: bool,
    parts: Vec<Part>,
    /// The suffix to match if the pattern is `**/name` without other wildcards. It may be the suffix of a longer name
    /// if no slash follows the stars.
    ending: Option<String>,
}

#[derive(Debug, PartialEq)]
enum Part {
    Literal(char),
    /// `?`: any character but a slash.
    One,
    /// `*`: any number of characters but slashes.
    Some,
    /// `**/`: any number of folders.
    Folders,
    /// `**` at the end: anything.
    Rest,
    /// `[a-z]`, `[^a-z]`.
    Class {
        is_negated: bool,
        ranges: Vec<(char, char)>,
    },
}

impl Ignore {
    /// Parses a `.dockerignore` file. Lines that Docker rejects are skipped here: Docker reports them when it builds.
    pub fn read(text: &str) -> Self {
        let lines = text.trim_start_matches('\u{feff}').lines();
        let lines = lines.filter(|line| !line.starts_with('#')).map(str::trim).filter(|line| !line.is_empty());
        Self(lines.filter_map(Pattern::read).collect())
    }

    /// `path` is relative to the folder's root, without a leading slash.
    pub fn excludes(&self, path: &str) -> bool {
        let parents: Vec<&str> = path.match_indices('/').map(|(at, _)| &path[..at]).collect();
        let mut is_excluded = false;
        for pattern in &self.0 {
            // Only patterns that can change the result are evaluated.
            if pattern.is_exception == is_excluded
                && (pattern.matches(path) || parents.iter().any(|parent| pattern.matches(parent)))
            {
                is_excluded = !pattern.is_exception;
            }
        }
        is_excluded
    }
}

impl Pattern {
    fn read(line: &str) -> Option<Self> {
        let (is_exception, line) = match line.strip_prefix('!') {
            Some(rest) => (true, rest.trim()),
            None => (false, line),
        };
        if line.is_empty() {
            return None;
        }
        let cleaned = clean(line);
        let cleaned = if cleaned.len() > 1 { cleaned.trim_start_matches('/') } else { &cleaned };
        let parts = parts(cleaned)?;
        let after_stars = cleaned.strip_prefix("**");
        let is_plain = |text: &str| !text.contains(['*', '?', '[', ']', '\\']);
        let ending = after_stars.filter(|rest| is_plain(rest)).map(str::to_owned);
        Some(Self { is_exception, parts, ending })
    }

    fn matches(&self, path: &str) -> bool {
        if let Some(ending) = &self.ending {
            return path.ends_with(ending.as_str()) || ending.strip_prefix('/') == Some(path);
        }
        let path: Vec<char> = path.chars().collect();
        matches(&self.parts, &path)
    }
}

/// Cleans a path as Go's `filepath.Clean` does.
fn clean(path: &str) -> String {
    let is_rooted = path.starts_with('/');
    let mut names: Vec<&str> = Vec::new();
    for name in path.split('/') {
        match name {
            "" | "." => {}
            ".." if names.last().is_some_and(|it| *it != "..") => drop(names.pop()),
            ".." if is_rooted => {}
            name => names.push(name),
        }
    }
    let cleaned = names.join("/");
    match (is_rooted, cleaned.is_empty()) {
        (true, _) => format!("/{cleaned}"),
        (false, true) => ".".to_owned(),
        (false, false) => cleaned,
    }
}

/// Returns `None` if a character class is not closed.
fn parts(pattern: &str) -> Option<Vec<Part>> {
    let mut parts = Vec::new();
    let mut chars = pattern.chars().peekable();
    while let Some(it) = chars.next() {
        parts.push(match it {
            '*' if chars.next_if_eq(&'*').is_some() => {
                chars.next_if_eq(&'/');
                if chars.peek().is_none() { Part::Rest } else { Part::Folders }
            }
            '*' => Part::Some,
            '?' => Part::One,
            '\\' => Part::Literal(chars.next().unwrap_or('\\')),
            '[' => {
                let is_negated = chars.next_if_eq(&'^').is_some();
                let mut ranges = Vec::new();
                loop {
                    let first = match chars.next()? {
                        ']' => break,
                        '\\' => chars.next()?,
                        first => first,
                    };
                    let last = match chars.next_if_eq(&'-') {
                        Some(_) => match chars.next()? {
                            '\\' => chars.next()?,
                            last => last,
                        },
                        None => first,
                    };
                    ranges.push((first, last));
                }
                Part::Class { is_negated, ranges }
            }
            other => Part::Literal(other),
        });
    }
    Some(parts)
}

/// Simulates an NFA: `states` are the pattern prefixes that match the path so far. The time is bounded by the length of
/// the pattern times that of the path.
fn matches(parts: &[Part], path: &[char]) -> bool {
    let mut states = vec![false; parts.len() + 1];
    states[0] = true;
    skip_empty(parts, &mut states);
    // Inside the folders of a `**/`: matching continues only after a slash.
    let mut within = vec![false; parts.len()];
    for it in path {
        let mut next = vec![false; parts.len() + 1];
        let mut next_within = vec![false; parts.len()];
        for (at, part) in parts.iter().enumerate() {
            if !states[at] && !within[at] {
                continue;
            }
            match part {
                Part::Folders => {
                    next_within[at] = true;
                    next[at + 1] |= *it == '/';
                }
                Part::Rest => next[at] = true,
                Part::Some if *it != '/' => next[at] = true,
                Part::One if *it != '/' => next[at + 1] = true,
                Part::Literal(literal) if literal == it => next[at + 1] = true,
                Part::Class { is_negated, ranges } => {
                    let is_in = ranges.iter().any(|(first, last)| (first..=last).contains(&it));
                    next[at + 1] |= is_in != *is_negated;
                }
                _ => {}
            }
        }
        skip_empty(parts, &mut next);
        (states, within) = (next, next_within);
    }
    states[parts.len()]
}

/// Also activates the states behind parts that may match nothing.
fn skip_empty(parts: &[Part], states: &mut [bool]) {
    for (at, part) in parts.iter().enumerate() {
        if states[at] && matches!(part, Part::Some | Part::Folders | Part::Rest) {
            states[at + 1] = true;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Patterns, paths that are excluded, paths that belong to the build. The cases follow the tests and the
    /// documentation of Docker's reader and matcher.
    #[test]
    fn dockerignore_patterns_match_like_docker() {
        let table: &[(&str, &[&str], &[&str])] = &[
            ("", &[], &["a"]),
            ("# a\n\n  \n", &[], &["a", "# a"]),
            ("a", &["a", "a/b", "a/b/c"], &["b", "ab", "x/a"]),
            ("/a", &["a", "a/b"], &["x/a"]),
            ("a/", &["a/b"], &["b/a"]),
            ("./a/../b", &["b"], &["a"]),
            ("  a  ", &["a"], &[]),
            ("*/temp*", &["x/temporary.txt", "x/temp/y"], &["temp", "x/y/temp"]),
            ("*/*/temp*", &["x/y/temporary"], &["x/temp"]),
            ("temp?", &["tempa", "tempb/x"], &["temp", "temp/", "tempab"]),
            ("**", &["a", "a/b"], &[]),
            ("*", &["a", "a/b", ".git/x"], &[]),
            ("**/*.go", &["a.go", "x/a.go", "x/y/a.go"], &["a.gox", "go"]),
            ("**/.git", &[".git", ".git/config", "x/.git/config"], &["a.gitx", ".gitignore"]),
            ("**/node_modules", &["node_modules/x", "a/node_modules/x/y"], &["my-node_modules2/x"]),
            ("dir/**", &["dir/a", "dir/a/b"], &["dir", "xdir/a"]),
            ("dir/**/x", &["dir/x", "dir/a/x", "dir/a/b/x"], &["dir/ax", "x"]),
            ("a/**/b/*.c", &["a/b/x.c", "a/1/2/b/x.c"], &["a/b/1/x.c"]),
            ("**/a?c", &["abc", "x/abc"], &["xabc", "ac"]),
            ("[a-c]x", &["ax", "cx/y"], &["dx", "x"]),
            ("[^a-c]x", &["dx"], &["ax"]),
            ("[ab", &[], &["a", "[ab"]),
            ("a\\*b", &["a*b"], &["axb"]),
            ("*.md\n!README.md", &["a.md"], &["README.md", "b"]),
            ("*.md\n!README*.md\nREADME-secret.md", &["a.md", "README-secret.md"], &["README.md", "README-2.md"]),
            ("*.md\nREADME-secret.md\n!README*.md", &["a.md"], &["README-secret.md"]),
            ("*\n!src", &["a", "x/src"], &["src", "src/a/b"]),
            ("*\n!src/**/*.rs", &["src/a.txt", "b.rs"], &["src/a.rs", "src/x/a.rs"]),
            ("!a\na", &["a"], &[]),
            ("a\n! a", &[], &["a"]),
            ("!", &[], &["a"]),
            ("ü*\n한글", &["über", "한글/x"], &["u"]),
            (".", &[], &["a"]),
            ("\u{feff}a", &["a"], &[]),
            ("a.b", &["a.b"], &["axb"]),
            ("a$", &["a$"], &["a"]),
        ];
        for (text, out, within) in table {
            let ignore = Ignore::read(text);
            for path in *out {
                assert!(ignore.excludes(path), "{text:?} keeps {path} out");
            }
            for path in *within {
                assert!(!ignore.excludes(path), "{text:?} does not keep {path} out");
            }
        }
    }

    #[test]
    fn pathological_pattern_is_matched_quickly() {
        let ignore = Ignore::read(&"*a".repeat(200));
        assert!(!ignore.excludes(&"a".repeat(5_000).replace("aaaaa", "aaaab")));
    }
}
