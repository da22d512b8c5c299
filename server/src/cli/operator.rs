//! Where a running server is, and the key that lets an operator command it.

use std::path::PathBuf;

use anyhow::Context as _;
use clap::Args;
use orrery_client::rest::Rest;

use crate::config::Config;
use crate::host::folder;

/// Which server, and with which key; what is not given is as configured.
#[derive(Args)]
pub(super) struct OperatorArgs {
    /// Address of the server's web interface.
    #[arg(long, global = true)]
    server: Option<String>,
    /// File with the operator's key; `operator.key` in the data folder if not given.
    #[arg(long, global = true, value_name = "FILE")]
    operator_key: Option<PathBuf>,
}

/// An operator's line to a running server.
pub(super) struct Operator {
    /// The server's web interface.
    pub(super) rest: Rest,
    /// The key.
    pub(super) key: String,
}

impl OperatorArgs {
    /// Reads the key. Nothing is asked of the server yet.
    pub(super) fn operator(&self, config: &Config) -> anyhow::Result<Operator> {
        let server = self.server.clone();
        let server = server.unwrap_or_else(|| config.server.http.to_string());
        let path = self.operator_key.clone();
        let path = path.unwrap_or_else(|| folder::operator_key_path(&config.server.data));
        let key = std::fs::read_to_string(&path)
            .with_context(|| format!("read the operator's key {}", path.display()))?;
        Ok(Operator {
            rest: Rest::new(&server),
            key: key.trim().to_owned(),
        })
    }
}
