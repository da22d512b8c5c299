//! The server's REST interface as a client uses it. Blocking: call it from a thread that may
//! wait. The interface itself is described by the server, at `/api/v1/openapi.json`.

use std::net::SocketAddr;
use std::time::Duration;

use orrery_game::content::Content;
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};

/// Why a request failed.
#[derive(Debug, thiserror::Error)]
pub enum RestError {
    /// The server could not be reached, or did not answer in time.
    #[error("ask {url}")]
    Transport {
        /// What was asked.
        url: String,
        /// Why it failed.
        #[source]
        source: Box<ureq::Error>,
    },
    /// The server refused.
    #[error("{message} ({code}, status {status})")]
    Refused {
        /// HTTP status.
        status: u16,
        /// The server's name for the reason.
        code: String,
        /// A sentence.
        message: String,
    },
    /// The answer is not what it should be.
    #[error("understand the answer of {url}: {reason}")]
    Answer {
        /// What was asked.
        url: String,
        /// What is wrong with the answer.
        reason: String,
    },
}

/// A session of an account, from sign-up or login.
#[derive(Clone, Debug, Deserialize)]
pub struct AccountSession {
    /// To be shown with every further request.
    pub token: String,
}

/// A character of an account.
#[derive(Clone, Debug, Deserialize)]
pub struct Character {
    /// Its number.
    pub id: u64,
    /// Its name.
    pub name: String,
}

/// What a client needs to connect as a character. The token works once, and not for long.
#[derive(Clone, Debug, Deserialize)]
pub struct GameToken {
    /// To be presented after the handshake.
    pub token: String,
    /// Where the game listens.
    pub quic: Vec<SocketAddr>,
    /// SHA-256 of the server's certificate, in hex.
    pub certificate_sha256: String,
    /// The hash of the server's content pack, in hex.
    pub content_hash: String,
}

/// A bot's character with its token.
#[derive(Clone, Debug, Deserialize)]
pub struct BotToken {
    /// The character's number.
    pub character: u64,
    /// Its name.
    pub name: String,
    /// Its token for the game.
    pub token: String,
}

/// A batch of bots.
#[derive(Clone, Debug, Deserialize)]
pub struct BotTokens {
    /// One for each bot.
    pub bots: Vec<BotToken>,
    /// Where the game listens.
    pub quic: Vec<SocketAddr>,
    /// SHA-256 of the server's certificate, in hex.
    pub certificate_sha256: String,
    /// The hash of the server's content pack, in hex.
    pub content_hash: String,
}

/// The REST interface of one server.
#[derive(Clone, Debug)]
pub struct Rest {
    base: String,
    agent: ureq::Agent,
}

#[derive(Deserialize)]
struct Problem {
    code: String,
    message: String,
}

impl Rest {
    /// The interface at an address such as `127.0.0.1:7780`.
    #[must_use]
    pub fn new(address: &str) -> Self {
        let config = ureq::Agent::config_builder()
            .timeout_global(Some(Duration::from_secs(60)))
            .http_status_as_error(false)
            .build();
        let base = if address.starts_with("http") {
            address.to_owned()
        } else {
            format!("http://{address}")
        };
        Self {
            base,
            agent: config.into(),
        }
    }

    /// Makes an account and logs in.
    ///
    /// # Errors
    /// [`RestError`]; refused if the name is taken or the password too weak.
    pub fn sign_up(&self, name: &str, password: &str) -> Result<AccountSession, RestError> {
        self.post(
            "/api/v1/accounts",
            None,
            &serde_json::json!({ "name": name, "password": password }),
        )
    }

    /// Logs in.
    ///
    /// # Errors
    /// [`RestError`]; refused if name and password do not belong together.
    pub fn log_in(&self, name: &str, password: &str) -> Result<AccountSession, RestError> {
        self.post(
            "/api/v1/sessions",
            None,
            &serde_json::json!({ "name": name, "password": password }),
        )
    }

    /// Creates a character.
    ///
    /// # Errors
    /// [`RestError`]; refused if the name is taken or not allowed.
    pub fn create_character(
        &self,
        session: &AccountSession,
        name: &str,
    ) -> Result<Character, RestError> {
        self.post(
            "/api/v1/characters",
            Some(&session.token),
            &serde_json::json!({ "name": name }),
        )
    }

    /// The account's characters.
    ///
    /// # Errors
    /// [`RestError`].
    pub fn characters(&self, session: &AccountSession) -> Result<Vec<Character>, RestError> {
        #[derive(Deserialize)]
        struct List {
            characters: Vec<Character>,
        }
        let list: List = self.get("/api/v1/characters", Some(&session.token))?;
        Ok(list.characters)
    }

    /// A token to play a character.
    ///
    /// # Errors
    /// [`RestError`]; refused if the character is not the account's.
    pub fn game_token(
        &self,
        session: &AccountSession,
        character: u64,
    ) -> Result<GameToken, RestError> {
        let body = serde_json::json!({ "character": character });
        self.post("/api/v1/game-token", Some(&session.token), &body)
    }

    /// Accounts and tokens for bots, with the operator's key. Asks for at most `count`; the
    /// server may have a limit per request.
    ///
    /// # Errors
    /// [`RestError`]; refused without the right key.
    pub fn bots(
        &self,
        operator_key: &str,
        prefix: &str,
        first: u32,
        count: u32,
    ) -> Result<BotTokens, RestError> {
        let body = serde_json::json!({ "prefix": prefix, "first": first, "count": count, "token_seconds": 300 });
        self.post("/admin/v1/bots", Some(operator_key), &body)
    }

    /// The server's content pack.
    ///
    /// # Errors
    /// [`RestError`]; an answer that is no content pack is one.
    pub fn content(&self) -> Result<Content, RestError> {
        let url = format!("{}/api/v1/content", self.base);
        let mut response = match self.agent.get(&url).call() {
            Ok(response) => response,
            Err(source) => {
                return Err(RestError::Transport {
                    url,
                    source: Box::new(source),
                });
            }
        };
        let bytes = match response.body_mut().read_to_vec() {
            Ok(bytes) => bytes,
            Err(source) => {
                return Err(RestError::Transport {
                    url,
                    source: Box::new(source),
                });
            }
        };
        Content::from_bytes(&bytes).map_err(|error| RestError::Answer {
            url,
            reason: error.to_string(),
        })
    }

    /// Any JSON document of the server.
    ///
    /// # Errors
    /// [`RestError`].
    pub fn get<A: DeserializeOwned>(
        &self,
        path: &str,
        bearer: Option<&str>,
    ) -> Result<A, RestError> {
        let url = format!("{}{path}", self.base);
        let mut request = self.agent.get(&url);
        if let Some(bearer) = bearer {
            request = request.header("authorization", format!("Bearer {bearer}"));
        }
        answer(url, request.call())
    }

    /// Sends any JSON document to the server and reads the answer.
    ///
    /// # Errors
    /// [`RestError`].
    pub fn post<A: DeserializeOwned>(
        &self,
        path: &str,
        bearer: Option<&str>,
        body: &impl Serialize,
    ) -> Result<A, RestError> {
        let url = format!("{}{path}", self.base);
        let mut request = self.agent.post(&url);
        if let Some(bearer) = bearer {
            request = request.header("authorization", format!("Bearer {bearer}"));
        }
        answer(url, request.send_json(body))
    }
}

fn answer<A: DeserializeOwned>(
    url: String,
    result: Result<ureq::http::Response<ureq::Body>, ureq::Error>,
) -> Result<A, RestError> {
    let mut response = match result {
        Ok(response) => response,
        Err(source) => {
            return Err(RestError::Transport {
                url,
                source: Box::new(source),
            });
        }
    };
    let status = response.status();
    let text = match response.body_mut().read_to_string() {
        Ok(text) => text,
        Err(source) => {
            return Err(RestError::Transport {
                url,
                source: Box::new(source),
            });
        }
    };
    if status.is_success() {
        return serde_json::from_str(&text).map_err(|error| RestError::Answer {
            url,
            reason: error.to_string(),
        });
    }
    let problem = serde_json::from_str(&text).unwrap_or(Problem {
        code: "unknown".to_owned(),
        message: text.chars().take(200).collect(),
    });
    Err(RestError::Refused {
        status: status.as_u16(),
        code: problem.code,
        message: problem.message,
    })
}
