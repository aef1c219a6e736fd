//! Export of a container as text: a `docker run` line, or a compose.yaml, that creates it again.

mod compose;
mod run;
mod yaml;

pub use compose::compose;
pub use run::{docker_run, published, quoted};

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::{ContainerSpec, NetworkSpec, PortSpec};

    fn spec() -> ContainerSpec {
        ContainerSpec {
            image: "web:1".into(),
            command: Some(vec!["sh".into(), "-c".into(), "echo it's $HOME".into()]),
            env: vec!["A=b c".into()],
            ports: vec![PortSpec { private: 80, public: Some(8080), ip: "::1".into(), ..PortSpec::default() }],
            networks: vec![
                NetworkSpec { name: "front".into(), aliases: vec!["www".into()], ..NetworkSpec::default() },
                NetworkSpec { name: "back".into(), ip: Some("10.0.0.9".into()), ..NetworkSpec::default() },
            ],
            ..ContainerSpec::default()
        }
    }

    #[test]
    fn run_line_quotes_arguments_for_the_shell() {
        assert_eq!(
            docker_run("web", &spec()),
            "docker create \\\n  --name web \\\n  --env 'A=b c' \\\n  --publish '[::1]:8080:80' \\\n  --network front \\\n  \
             --network-alias www \\\n  web:1 \\\n  sh \\\n  -c \\\n  'echo it'\\''s $HOME'\ndocker network connect \\\n  \
             --ip 10.0.0.9 \\\n  back \\\n  web\ndocker start web"
        );
    }

    #[test]
    fn compose_file_escapes_dollar_signs() {
        let text = compose("web", &ContainerSpec { networks: Vec::new(), ..spec() });
        assert_eq!(
            text,
            "services:\n  web:\n    image: \"web:1\"\n    container_name: web\n    command:\n      - sh\n      - \"-c\"\n      \
             - \"echo it's $$HOME\"\n    environment:\n      - \"A=b c\"\n    ports:\n      - \"[::1]:8080:80\"\n    \
             network_mode: bridge\n"
        );
    }

    #[test]
    fn compose_file_declares_networks_as_external() {
        let text = compose("web", &spec());
        assert!(
            text.contains(
                "    networks:\n      front:\n        priority: 200\n        aliases:\n          - www\n      back:\n"
            ),
            "{text}"
        );
        assert!(text.ends_with("networks:\n  front:\n    external: true\n  back:\n    external: true\n"), "{text}");
    }
}
