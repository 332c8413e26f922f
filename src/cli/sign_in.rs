//! The provider by which people sign in.

use std::path::PathBuf;

use clap::Args;

#[derive(Args)]
pub struct SignIn {
    /// Let people sign in by this OpenID Connect provider, too: its issuer, exactly as it writes it. Whom it names is linked with an account by `vitalog user link`.
    #[arg(long, value_name = "URL", requires = "oidc_client", requires = "oidc_url", conflicts_with = "open")]
    pub oidc_issuer: Option<String>,
    /// The client id under which the provider knows this server.
    #[arg(long, value_name = "ID", requires = "oidc_issuer")]
    pub oidc_client: Option<String>,
    /// A file that has the client secret in its first line, and that nobody else may read. Or `VITALOG_OIDC_SECRET` says it; or there is none.
    #[arg(long, value_name = "FILE", requires = "oidc_issuer")]
    pub oidc_secret_file: Option<PathBuf>,
    /// The address at which people reach this server, such as https://vitals.example: the provider sends them back to `/v1/session/provider/callback` there.
    #[arg(long, value_name = "URL", requires = "oidc_issuer")]
    pub oidc_url: Option<String>,
    /// What people know the provider by, for the button on the login page; its host, if not given.
    #[arg(long, value_name = "NAME", requires = "oidc_issuer")]
    pub oidc_name: Option<String>,
    /// Who signed the provider's certificate (PEM), beside those whom all trust.
    #[arg(long, value_name = "FILE", requires = "oidc_issuer")]
    pub oidc_ca: Option<PathBuf>,
}
