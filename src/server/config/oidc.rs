//! Settings of the OpenID provider.

use super::{ConfigError, listed};
use crate::server::auth::{ClientSecret, OidcSettings, is_encrypted_or_local};
use clap::Args;
use serde::Deserialize;
use std::{fs, path::PathBuf};

#[derive(Debug, Args)]
pub struct OidcFlags {
    /// Issuer of the OpenID provider with which users can sign in, such as https://id.example.com
    #[arg(long, global = true, env = "QUAYLIGHT_OIDC_ISSUER", value_name = "URL")]
    pub oidc_issuer: Option<String>,
    /// Client ID of this server at the OpenID provider
    #[arg(long, global = true, env = "QUAYLIGHT_OIDC_CLIENT_ID", value_name = "ID")]
    pub oidc_client_id: Option<String>,
    /// File with the secret of this server at the OpenID provider
    #[arg(long, global = true, env = "QUAYLIGHT_OIDC_CLIENT_SECRET_FILE", value_name = "FILE")]
    pub oidc_client_secret_file: Option<PathBuf>,
    /// Secret of this server at the OpenID provider; better in a file
    #[arg(long, global = true, env = "QUAYLIGHT_OIDC_CLIENT_SECRET", value_name = "SECRET", hide_env_values = true)]
    pub oidc_client_secret: Option<String>,
    /// Groups at the OpenID provider whose members are admins; * for all users
    #[arg(long, global = true, env = "QUAYLIGHT_OIDC_ADMIN_GROUPS", value_name = "GROUPS", value_delimiter = ',')]
    pub oidc_admin_groups: Option<Vec<String>>,
    /// Groups at the OpenID provider whose members are operators; * for all users
    #[arg(long, global = true, env = "QUAYLIGHT_OIDC_OPERATOR_GROUPS", value_name = "GROUPS", value_delimiter = ',')]
    pub oidc_operator_groups: Option<Vec<String>>,
    /// Groups at the OpenID provider whose members are viewers; * for all users
    #[arg(long, global = true, env = "QUAYLIGHT_OIDC_VIEWER_GROUPS", value_name = "GROUPS", value_delimiter = ',')]
    pub oidc_viewer_groups: Option<Vec<String>>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default, deny_unknown_fields, rename_all = "kebab-case")]
pub struct OidcTable {
    issuer: Option<String>,
    client_id: Option<String>,
    client_secret_file: Option<PathBuf>,
    name: Option<String>,
    scopes: Option<String>,
    user_claim: Option<String>,
    groups_claim: Option<String>,
    admin_groups: Option<Vec<String>>,
    operator_groups: Option<Vec<String>>,
    viewer_groups: Option<Vec<String>>,
}

/// `None` without an issuer.
pub fn settings(
    flags: OidcFlags,
    table: OidcTable,
    public_url: Option<String>,
    base_path: &str,
) -> Result<Option<OidcSettings>, ConfigError> {
    let wrong = |why: String| Err(ConfigError::Setting(why));
    let given = |text: Option<String>| text.filter(|it| !it.is_empty());
    let Some(issuer) = given(flags.oidc_issuer).or(table.issuer) else { return Ok(None) };
    let Some(client_id) = given(flags.oidc_client_id).or(table.client_id) else {
        return wrong("an OpenID provider requires a client ID: set oidc-client-id".into());
    };
    let Some(public_url) = given(public_url) else {
        return wrong("an OpenID provider requires the address of this server: set public-url".into());
    };
    for (setting, address) in [("oidc-issuer", &issuer), ("public-url", &public_url)] {
        // Without TLS, anyone in between could sign in as any user.
        if !is_encrypted_or_local(address) {
            return wrong(format!("{setting}: {address:?} is neither an https:// address nor one on loopback"));
        }
    }
    let secret = match flags.oidc_client_secret_file.or(table.client_secret_file) {
        Some(path) => match fs::read_to_string(&path) {
            Ok(text) => Some(text.trim().to_owned()),
            Err(error) => return wrong(format!("oidc-client-secret-file: {}: {error}", path.display())),
        },
        None => given(flags.oidc_client_secret),
    };
    let groups = |flag: Option<Vec<String>>, table: Option<Vec<String>>| {
        listed(flag.or(table).unwrap_or_default()).collect::<Vec<_>>()
    };
    let admin_groups = groups(flags.oidc_admin_groups, table.admin_groups);
    let operator_groups = groups(flags.oidc_operator_groups, table.operator_groups);
    let viewer_groups = groups(flags.oidc_viewer_groups, table.viewer_groups);
    if [&admin_groups, &operator_groups, &viewer_groups].iter().all(|it| it.is_empty()) {
        return wrong(
            "an OpenID provider requires the groups that may sign in: set oidc-admin-groups, oidc-operator-groups or \
             oidc-viewer-groups"
                .into(),
        );
    }
    let or = |text: Option<String>, default: &str| text.unwrap_or_else(|| default.to_owned());
    Ok(Some(OidcSettings {
        issuer,
        client_id,
        client_secret: secret.map(ClientSecret),
        public_url: format!("{}{base_path}", public_url.trim_end_matches('/')),
        name: or(table.name, "OpenID"),
        scopes: or(table.scopes, "openid profile email groups"),
        user_claim: or(table.user_claim, "preferred_username"),
        groups_claim: or(table.groups_claim, "groups"),
        admin_groups,
        operator_groups,
        viewer_groups,
    }))
}

#[cfg(test)]
mod tests {
    use super::{super::tests::config, *};

    const FILE: &str = "[auth]\npublic-url = \"https://docker.example.com/\"\n[auth.oidc]\nissuer = \"https://id.example.com\"\n\
                        client-id = \"quaylight\"\nadmin-groups = [\"admins\"]\nname = \"Example\"";

    #[test]
    fn provider_requires_an_encrypted_address_a_client_and_groups() {
        let settings = config(&["--base-path", "/docker"], FILE).unwrap();
        assert_eq!(settings.host_names, ["docker.example.com"]);
        let oidc = settings.oidc.unwrap();
        assert_eq!((&*oidc.public_url, &*oidc.name), ("https://docker.example.com/docker", "Example"));
        assert_eq!((&*oidc.user_claim, &*oidc.groups_claim), ("preferred_username", "groups"));
        assert!(config(&[], "").unwrap().oidc.is_none());
        for (flags, word) in [
            (["--oidc-issuer", "http://id.example.com"], "oidc-issuer"),
            (["--public-url", "http://docker.example.com"], "public-url"),
            (["--public-url", "docker.example.com"], "public-url"),
            (["--oidc-client-secret-file", "/nowhere"], "oidc-client-secret-file"),
            (["--oidc-admin-groups", ","], "groups"),
            (["--auth", "none"], "--auth password"),
        ] {
            let error = config(&flags, FILE).unwrap_err().to_string();
            assert!(error.contains(word), "{flags:?}: {error}");
        }
        for loopback in ["http://localhost:1", "http://127.0.0.1:1", "http://[::1]:1"] {
            assert!(config(&["--oidc-issuer", loopback], FILE).is_ok(), "{loopback}");
        }
        let error = config(&["--oidc-issuer", "https://id.example.com"], "").unwrap_err().to_string();
        assert!(error.contains("oidc-client-id"), "{error}");
    }

    #[test]
    fn client_secret_is_read_from_a_file_and_not_shown() {
        let file = tempfile::NamedTempFile::new().unwrap();
        fs::write(file.path(), "very secret\n").unwrap();
        let flags = ["--oidc-client-secret-file", file.path().to_str().unwrap()];
        let config = config(&flags, FILE).unwrap();
        assert!(!format!("{config:?}").contains("very secret"));
        assert_eq!(config.oidc.unwrap().client_secret, Some(ClientSecret("very secret".into())));
    }
}
