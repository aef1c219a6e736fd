//! Masking of secrets in the data of containers and images.
//!
//! All data about how a container or an image was created is masked here: inspect, recipe, run line, compose.yaml,
//! layers, and the commands of events and their exports. Only what is known to contain no secret is shown, and
//! everything unknown is masked. Secrets are shown only on explicit request.

/// Replaces a masked value. If it is sent back, the value stays unchanged.
pub const HIDDEN: &str = "***";

/// Log driver options about retention and line format. Others may be tokens, or addresses that contain a user's name.
const SHOWN_LOG_OPTIONS: [&str; 14] = [
    "cache-compress",
    "cache-disabled",
    "cache-max-file",
    "cache-max-size",
    "compress",
    "labels",
    "labels-regex",
    "max-buffer-size",
    "max-file",
    "max-size",
    "mode",
    "syslog-facility",
    "syslog-format",
    "tag",
];

/// Masks a variable of an environment or a build argument: `KEY=value` without its value. A `KEY` alone has none.
pub fn assignment(text: &str) -> String {
    match text.split_once('=') {
        Some((key, _)) => format!("{key}={HIDDEN}"),
        None => text.to_owned(),
    }
}

pub fn log_option(key: &str, value: &str) -> String {
    if SHOWN_LOG_OPTIONS.contains(&key) { value.to_owned() } else { HIDDEN.to_owned() }
}

/// A health check's command often contains credentials. Whether there is one, and its kind, is shown.
pub fn health_test(test: &[String]) -> Vec<String> {
    match test {
        [] => Vec::new(),
        [kind] => vec![kind.clone()],
        [kind, ..] => vec![kind.clone(), HIDDEN.to_owned()],
    }
}

/// Masks a command run in a container, such as that of a health check: the program is shown, but its arguments may
/// contain credentials.
pub fn command(line: &str) -> String {
    match line.split_once(char::is_whitespace) {
        Some((program, _)) => format!("{program} {HIDDEN}"),
        None => line.to_owned(),
    }
}

/// Returns the instruction that created a layer, as in its Dockerfile: `/bin/sh -c #(nop)  CMD ["nginx"]` is
/// `CMD ["nginx"]`, and `/bin/sh -c apk add curl` is `RUN apk add curl`. Build arguments, which precede a command as in
/// `|1 TOKEN=x /bin/sh -c make`, are left out.
pub fn layer(created_by: &str) -> String {
    let said = created_by.strip_prefix("RUN ").unwrap_or(created_by).trim_start();
    let said = said.trim_end_matches("# buildkit").trim_end();
    // Instructions that run nothing have this mark behind the shell, for any shell.
    if let Some((_, done)) = said.split_once(" #(nop) ").filter(|_| !said.starts_with('|')) {
        return instruction(done.trim_start());
    }
    let line = match without_build_arguments(said) {
        Some(command) => match command.strip_prefix("/bin/sh -c ") {
            Some(rest) => format!("RUN {rest}"),
            None if said.starts_with('|') || created_by.starts_with("RUN ") => format!("RUN {command}"),
            None => command,
        },
        None => format!("RUN {HIDDEN}"),
    };
    instruction(&line)
}

/// Returns `None` if the end of the arguments is unknown. A value may contain anything, also what looks like a shell,
/// so the last shell counts.
fn without_build_arguments(said: &str) -> Option<String> {
    if !said.starts_with('|') {
        return Some(said.to_owned());
    }
    let (_, command) = said.rsplit_once(" /bin/sh -c ")?;
    Some(format!("/bin/sh -c {command}"))
}

/// Masks one line of a Dockerfile. The line in an `ONBUILD` is masked the same way.
pub fn instruction(line: &str) -> String {
    let (word, rest) = line.split_once(char::is_whitespace).unwrap_or((line, ""));
    let rest = rest.trim_start();
    match word.to_ascii_uppercase().as_str() {
        // A line may contain several variables, and a value may contain spaces: only the first name is certain.
        "ENV" | "ARG" if rest.contains(['=', ' ']) => {
            let name = rest.split(['=', ' ']).next().unwrap_or_default();
            format!("{word} {name}={HIDDEN}")
        }
        "HEALTHCHECK" if rest != "NONE" && !rest.is_empty() => format!("{word} {HIDDEN}"),
        "ONBUILD" => format!("{word} {}", instruction(rest)),
        _ => line.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn layer_becomes_its_dockerfile_line_with_masked_secrets() {
        for (instruction, line) in [
            (r#"/bin/sh -c #(nop)  CMD ["nginx"]"#, r#"CMD ["nginx"]"#),
            ("/bin/sh -c apk add curl", "RUN apk add curl"),
            ("RUN /bin/sh -c make # buildkit", "RUN make"),
            ("RUN /bin/bash -c make # buildkit", "RUN /bin/bash -c make"),
            ("|2 A=1 TOKEN=s3cret with words /bin/sh -c make", "RUN make"),
            ("RUN |1 TOKEN=s3cret /bin/sh -c make # buildkit", "RUN make"),
            // A value that looks like the end of the arguments.
            ("|1 TOKEN=a /bin/sh -c s3cret /bin/sh -c make", "RUN make"),
            // With another shell the end of the arguments is unknown.
            ("|1 TOKEN=s3cret /bin/bash -o pipefail -c make", "RUN ***"),
            ("RUN |1 TOKEN=s3cret /bin/ash -c make # buildkit", "RUN ***"),
            ("COPY / / # buildkit", "COPY / /"),
            ("/bin/sh -c #(nop)  ENV TOKEN=s3cret", "ENV TOKEN=***"),
            ("/bin/bash -o pipefail -c #(nop)  ENV TOKEN=s3cret", "ENV TOKEN=***"),
            ("/bin/busybox sh -c echo built", "/bin/busybox sh -c echo built"),
            ("ENV TOKEN=s3cret", "ENV TOKEN=***"),
            ("ENV A=1 TOKEN=s3cret", "ENV A=***"),
            ("ENV TOKEN s3cret", "ENV TOKEN=***"),
            ("/bin/sh -c #(nop)  ARG TOKEN=s3cret", "ARG TOKEN=***"),
            ("ARG TOKEN=s3cret", "ARG TOKEN=***"),
            ("ARG VERSION", "ARG VERSION"),
            (r#"HEALTHCHECK &{["CMD-SHELL" "curl -u a:s3cret /"] "5s"}"#, "HEALTHCHECK ***"),
            ("HEALTHCHECK NONE", "HEALTHCHECK NONE"),
            ("/bin/sh -c #(nop)  ONBUILD ARG TOKEN=s3cret", "ONBUILD ARG TOKEN=***"),
            ("", ""),
        ] {
            assert_eq!(layer(instruction), line);
            assert!(!layer(instruction).contains("s3cret"));
        }
    }

    #[test]
    fn unknown_values_are_masked() {
        assert_eq!(
            (assignment("A=1"), assignment("A="), assignment("A")),
            ("A=***".into(), "A=***".into(), "A".into())
        );
        assert_eq!((log_option("max-size", "10m"), log_option("splunk-token", "x")), ("10m".into(), HIDDEN.into()));
        assert_eq!(log_option("gelf-address", "udp://user:x@host"), HIDDEN);
        assert_eq!(log_option("of-a-plugin", "x"), HIDDEN);
        assert_eq!((command("sh -c 'curl -u a:s3cret /'"), command("true")), ("sh ***".into(), "true".into()));
        let test = |words: &[&str]| health_test(&words.iter().map(|it| (*it).to_owned()).collect::<Vec<_>>());
        assert_eq!(test(&["CMD", "curl", "-u", "a:s3cret"]), ["CMD", "***"]);
        assert_eq!((test(&["NONE"]), test(&[])), (vec!["NONE".to_owned()], Vec::new()));
    }
}
