//! Dockerfile parser: instructions with their line numbers, and syntax that not every builder supports.
//!
//! The build form warns about unsupported syntax, and a failed build names the line of its step. Only what these need is parsed, as
//! BuildKit does it. Crates for Dockerfiles build a complete syntax tree, and reject syntax that they don't know.

use super::{Engine, Lack};

/// An instruction with its continuation lines joined, without the bodies of its heredocs.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Instruction {
    /// The line where it starts, counted from 1.
    line: usize,
    /// In upper case.
    keyword: String,
    /// The text behind the keyword.
    arguments: String,
    has_heredoc: bool,
}

/// Syntax that some builders don't support.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Syntax {
    Heredoc,
    Mount,
    Chmod,
    Link,
    PlatformArgs,
}

const PLATFORM_ARGS: [&str; 2] = ["BUILDPLATFORM", "TARGETPLATFORM"];

impl Syntax {
    /// The name as users write it.
    pub fn label(self) -> &'static str {
        match self {
            Self::Heredoc => "heredocs (<<)",
            Self::Mount => "RUN --mount",
            Self::Chmod => "--chmod",
            Self::Link => "COPY --link",
            Self::PlatformArgs => "$BUILDPLATFORM and $TARGETPLATFORM",
        }
    }

    fn is_unsupported_by(self, engine: &Engine) -> bool {
        let lacks = |what| engine.lacks.contains(&what);
        lacks(Lack::BuildKit)
            || match self {
                Self::Heredoc => lacks(Lack::Heredocs),
                Self::Link => lacks(Lack::LinkedCopies),
                Self::Mount | Self::Chmod | Self::PlatformArgs => false,
            }
    }
}

/// Returns the syntax in a Dockerfile that the engine's builder does not support, each with the line of its first use.
pub fn unsupported_syntax(dockerfile: &str, engine: &Engine) -> Vec<(Syntax, usize)> {
    let is_docker = engine.product == "Docker";
    // BuildKit uses the frontend that the file specifies, which supports all of it.
    if is_docker && !engine.lacks.contains(&Lack::BuildKit) && parser_directive(dockerfile, "syntax").is_some() {
        return Vec::new();
    }
    let mut unsupported = syntax_of(dockerfile);
    unsupported.retain(|(syntax, _)| syntax.is_unsupported_by(engine));
    unsupported
}

fn syntax_of(dockerfile: &str) -> Vec<(Syntax, usize)> {
    let mut found: Vec<(Syntax, usize)> = Vec::new();
    for instruction in instructions(dockerfile) {
        let mut note = |syntax| {
            if !found.iter().any(|(known, _)| *known == syntax) {
                found.push((syntax, instruction.line));
            }
        };
        if instruction.has_heredoc {
            note(Syntax::Heredoc);
        }
        for flag in instruction.arguments.split_whitespace().take_while(|word| word.starts_with("--")) {
            match (&*instruction.keyword, flag.split('=').next().unwrap_or_default()) {
                ("RUN", "--mount") => note(Syntax::Mount),
                ("COPY" | "ADD", "--chmod") => note(Syntax::Chmod),
                ("COPY" | "ADD", "--link") => note(Syntax::Link),
                _ => {}
            }
        }
        let is_declared = instruction.keyword == "ARG" || instruction.keyword == "FROM";
        if is_declared && PLATFORM_ARGS.iter().any(|argument| instruction.arguments.contains(argument)) {
            note(Syntax::PlatformArgs);
        }
    }
    found.sort();
    found
}

/// Returns the line of the step that BuildKit calls `[stage 2/4] RUN make`. Its number counts `FROM`, `RUN`, `COPY`,
/// `ADD` and `WORKDIR` of a stage.
pub fn line_of_step(dockerfile: &str, name: &str) -> Option<usize> {
    let (stage_and_number, _) = name.strip_prefix('[')?.split_once("] ")?;
    let (stage, number) = stage_and_number.rsplit_once(' ').unwrap_or(("", stage_and_number));
    let number: usize = number.split_once('/')?.0.parse().ok()?;
    // In a build for several platforms, the platform precedes the stage.
    let stage = stage.rsplit(' ').next().unwrap_or_default();
    let mut stages: Vec<(String, Vec<usize>)> = Vec::new();
    for Instruction { line, keyword, arguments, .. } in instructions(dockerfile) {
        match (&*keyword, stages.len(), stages.last_mut()) {
            ("FROM", index, _) => {
                let words: Vec<_> = arguments.split_whitespace().collect();
                let named =
                    words.iter().position(|word| word.eq_ignore_ascii_case("as")).and_then(|at| words.get(at + 1));
                let named = named.map_or_else(|| format!("stage-{index}"), |name| name.to_lowercase());
                stages.push((named, vec![line]));
            }
            ("RUN" | "COPY" | "ADD" | "WORKDIR", _, Some((_, lines))) => lines.push(line),
            _ => {}
        }
    }
    let lines = match (stage, &stages[..]) {
        ("", [(_, lines)]) => lines,
        _ => stages.iter().find(|(name, _)| name == stage).map(|(_, lines)| lines)?,
    };
    lines.get(number.checked_sub(1)?).copied()
}

fn instructions(dockerfile: &str) -> Vec<Instruction> {
    let escape = parser_directive(dockerfile, "escape").and_then(|value| value.chars().next()).unwrap_or('\\');
    let lines: Vec<&str> = dockerfile.trim_start_matches('\u{feff}').lines().collect();
    let mut instructions = Vec::new();
    let mut at = 0;
    while at < lines.len() {
        let first = at;
        let mut logical = String::new();
        while at < lines.len() {
            let line = lines[at].trim();
            at += 1;
            if line.is_empty() || line.starts_with('#') {
                if logical.is_empty() {
                    break;
                }
                continue;
            }
            match line.strip_suffix(escape) {
                Some(start) => {
                    logical.push_str(start);
                    logical.push(' ');
                }
                None => {
                    logical.push_str(line);
                    break;
                }
            }
        }
        let Some((keyword, arguments)) = split_keyword(&logical) else { continue };
        let mut has_heredoc = false;
        if matches!(&*keyword, "RUN" | "COPY" | "ADD") {
            for heredoc in heredocs(&arguments) {
                has_heredoc = true;
                let is_end = |line: &&str| heredoc.ends_at(line);
                if let Some(end) = lines[at..].iter().position(is_end) {
                    at += end + 1;
                }
            }
        }
        instructions.push(Instruction { line: first + 1, keyword, arguments, has_heredoc });
    }
    instructions
}

fn split_keyword(logical: &str) -> Option<(String, String)> {
    let logical = logical.trim();
    let end = logical.find(char::is_whitespace).unwrap_or(logical.len());
    let (keyword, arguments) = logical.split_at(end);
    (!keyword.is_empty()).then(|| (keyword.to_ascii_uppercase(), arguments.trim().to_owned()))
}

struct Heredoc {
    delimiter: String,
    /// `<<-`: leading tabs of the lines are stripped, also before the delimiter.
    strips_tabs: bool,
}

impl Heredoc {
    fn ends_at(&self, line: &str) -> bool {
        let line = if self.strips_tabs { line.trim_start_matches('\t') } else { line };
        line == self.delimiter
    }
}

/// Finds heredocs like `<<EOT` and `3<<-"EOT"` outside of quotes.
fn heredocs(arguments: &str) -> Vec<Heredoc> {
    let mut heredocs = Vec::new();
    for word in shell_words(arguments) {
        let Some(rest) = word.trim_start_matches(|it: char| it.is_ascii_digit()).strip_prefix("<<") else { continue };
        let (strips_tabs, rest) = rest.strip_prefix('-').map_or((false, rest), |rest| (true, rest));
        let delimiter: String = rest.chars().filter(|it| !matches!(it, '"' | '\'')).collect();
        if !delimiter.is_empty() && !delimiter.contains('<') {
            heredocs.push(Heredoc { delimiter, strips_tabs });
        }
    }
    heredocs
}

/// Splits a text into shell words, including their quotes.
fn shell_words(text: &str) -> Vec<String> {
    let (mut words, mut word, mut quote) = (Vec::new(), String::new(), None);
    for it in text.chars() {
        match quote {
            Some(end) if it == end => quote = None,
            None if matches!(it, '"' | '\'') => quote = Some(it),
            None if it.is_whitespace() => {
                words.push(std::mem::take(&mut word));
                continue;
            }
            _ => {}
        }
        word.push(it);
    }
    words.push(word);
    words.retain(|word| !word.is_empty());
    words
}

/// The value of the parser directive `# name=value` in the leading comments.
fn parser_directive<'a>(dockerfile: &'a str, name: &str) -> Option<&'a str> {
    let comments = dockerfile.trim_start_matches('\u{feff}').lines().map(str::trim);
    for line in comments {
        let (key, value) = line.strip_prefix('#')?.split_once('=')?;
        if key.trim().eq_ignore_ascii_case(name) {
            return Some(value.trim());
        }
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    fn engine(product: &str, lacks: &[Lack]) -> Engine {
        Engine {
            product: product.into(),
            version: String::new(),
            api_version: String::new(),
            os: String::new(),
            kernel: String::new(),
            arch: String::new(),
            cpus: 1,
            memory: 1,
            storage_driver: String::new(),
            lacks: lacks.to_vec(),
        }
    }

    const FILE: &str = r#"# A comment
FROM --platform=$BUILDPLATFORM base AS build

RUN --mount=type=cache,target=/c \
    # within
    make \
    all
COPY --chmod=755 --link a /a
RUN <<EOT
FROM not an instruction
EOT
from scratch
ARG WORD
COPY <<-"ONE" <<TWO /
	RUN no
	ONE
RUN no
TWO
workdir /x
RUN echo "a <<EOT" '<<EOT'
RUN last
"#;

    #[test]
    fn instructions_have_the_number_of_their_first_line() {
        let read: Vec<_> = instructions(FILE).into_iter().map(|it| (it.line, it.keyword, it.has_heredoc)).collect();
        let expected = [
            (2, "FROM", false),
            (4, "RUN", false),
            (8, "COPY", false),
            (9, "RUN", true),
            (12, "FROM", false),
            (13, "ARG", false),
            (14, "COPY", true),
            (19, "WORKDIR", false),
            (20, "RUN", false),
            (21, "RUN", false),
        ];
        assert_eq!(read, expected.map(|(line, word, heredoc)| (line, word.to_owned(), heredoc)));
        assert_eq!(instructions(FILE)[1].arguments.split_whitespace().last(), Some("all"));
        assert_eq!(instructions("# escape=`\nRUN a `\nb\nRUN c\\\n")[0].arguments, "a  b");
        assert_eq!(instructions("").len() + instructions("\n#\n  \\\n").len(), 0);
    }

    #[test]
    fn unsupported_syntax_is_found_with_its_line() {
        let all = |engine| unsupported_syntax(FILE, &engine);
        assert_eq!(all(engine("Docker", &[])), []);
        let old = [Lack::Heredocs, Lack::LinkedCopies];
        assert_eq!(all(engine("Docker", &old)), [(Syntax::Heredoc, 9), (Syntax::Link, 8)]);
        let classic = all(engine("Docker", &[Lack::BuildKit]));
        assert_eq!(
            classic,
            [
                (Syntax::Heredoc, 9),
                (Syntax::Mount, 4),
                (Syntax::Chmod, 8),
                (Syntax::Link, 8),
                (Syntax::PlatformArgs, 2),
            ]
        );
        let with_frontend = format!("# syntax=docker/dockerfile:1\n{FILE}");
        assert_eq!(unsupported_syntax(&with_frontend, &engine("Docker", &old)), [], "the frontend supports it");
        assert_eq!(unsupported_syntax(&with_frontend, &engine("Podman", &old)).len(), 2, "Podman ignores the frontend");
        for text in ["RUN cat << EOT", "RUN echo $((1<<3))", "RUN a <<<word", "RUN a '<<EOT'", "CMD a <<EOT"] {
            assert_eq!(syntax_of(text), [], "{text}");
        }
    }

    #[test]
    fn buildkit_step_maps_to_its_dockerfile_line() {
        for (name, line) in [
            ("[build 1/4] FROM base", Some(2)),
            ("[build 2/4] RUN --mount=type=cache,target=/c make all", Some(4)),
            ("[linux/amd64 build 3/4] COPY", Some(8)),
            ("[stage-1 3/5] WORKDIR /x", Some(19)),
            ("[stage-1 5/5] RUN last", Some(21)),
            ("[stage-1 6/5] RUN", None),
            ("[internal] load metadata for base", None),
            ("exporting to image", None),
        ] {
            assert_eq!(line_of_step(FILE, name), line, "{name}");
        }
        assert_eq!(line_of_step("FROM a\nRUN b\n", "[2/2] RUN b"), Some(2));
    }
}
