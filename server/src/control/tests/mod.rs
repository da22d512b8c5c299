//! The control thread with a real store, a real committer and real sockets.

mod accounts;
mod game;
mod grids;
mod operator;
mod store;
mod web;

use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::AtomicBool;
use std::time::{Duration, Instant};

use orrery_base::{CharacterId, ShardIndex, Tick};
use orrery_game::content::{Content, compile};
use orrery_game::galaxy::{Params, generate};
use orrery_net::ConnectionKey;
use orrery_storage::{CommitOptions, Committer, Store, StoreOptions};
use serde_json::{Value, json};
use tempfile::TempDir;
use ureq::http::Response;

use super::{Admitted, Control, ControlHandle, LoginRequest, Setup};
use crate::config::Config;
use crate::host::folder;
use crate::metrics::Registry;
use crate::rules::context::SpaceContext;

const PASSWORD: &str = "violet comet drifts slowly";
const SHARD: ShardIndex = ShardIndex(0);

/// A control thread on a store in a folder of its own.
struct Server {
    control: Control,
    committer: Committer,
    port: orrery_storage::ControlPort,
    store: Store,
    metrics: Arc<Registry>,
    stop: Arc<AtomicBool>,
    context: Arc<SpaceContext>,
    folder: TempDir,
    agent: ureq::Agent,
}

/// An answer.
#[derive(Debug)]
struct Answer {
    status: u16,
    headers: ureq::http::HeaderMap,
    text: String,
}

impl Answer {
    fn json(&self) -> Value {
        serde_json::from_str(&self.text).unwrap_or_else(|error| panic!("{error}: {}", self.text))
    }

    fn header(&self, name: &str) -> &str {
        self.headers
            .get(name)
            .map_or("", |value| value.to_str().unwrap())
    }

    /// Status and code of a problem, which must be one.
    #[track_caller]
    fn problem(&self) -> (u16, String) {
        assert_eq!(
            self.header("content-type"),
            "application/problem+json",
            "{}",
            self.text
        );
        let body = self.json();
        let message = body["message"].as_str().unwrap();
        assert!(message.ends_with('.') || self.status < 450, "{message}");
        assert_eq!(
            body.as_object().unwrap().len(),
            2,
            "code and message, no more"
        );
        (self.status, body["code"].as_str().unwrap().to_owned())
    }
}

/// Cheap passwords, no limits to speak of.
fn config(data: &Path) -> Config {
    let mut config = Config::default();
    config.server.http = SocketAddr::new(IpAddr::V4(Ipv4Addr::LOCALHOST), 0);
    config.server.data = data.to_owned();
    config.server.shards = 1;
    config.accounts.argon2_memory_kib = 8;
    config.accounts.argon2_passes = 1;
    config.accounts.requests_per_minute = 1_000_000;
    config.accounts.logins_per_minute = 1_000_000;
    config
}

fn setup(
    config: Config,
    store: &Store,
    committer: &Committer,
    port: orrery_storage::ControlPort,
) -> Setup {
    let content = Content::open(&folder::pack_path(&config.server.data)).unwrap();
    let params = Params {
        systems: 3,
        ..Params::default()
    };
    let galaxy = generate(&params, &content).unwrap();
    let shards = config.shards();
    let metrics = Registry::new(shards.into());
    metrics.show_commit(committer.stats(), committer.durable());
    Setup {
        config: Arc::new(config),
        store: store.clone(),
        port,
        context: Arc::new(SpaceContext::new(content, galaxy)),
        metrics,
        certificate_sha256: [0xab; 32],
        quic_port: 7777,
        shards,
        stop: Arc::new(AtomicBool::new(false)),
    }
}

impl Server {
    fn start() -> Self {
        Self::start_with(|_| {})
    }

    fn start_with(adjust: impl FnOnce(&mut Config)) -> Self {
        Self::start_on(1, adjust)
    }

    /// With so many shards.
    fn start_on(shards: u16, adjust: impl FnOnce(&mut Config)) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let source = Path::new(env!("CARGO_MANIFEST_DIR")).join("../content");
        compile(&source)
            .unwrap()
            .write(&folder::pack_path(folder.path()))
            .unwrap();
        let mut config = config(folder.path());
        config.server.shards = shards;
        adjust(&mut config);
        Self::open(folder, config)
    }

    fn open(folder: TempDir, config: Config) -> Self {
        let options = StoreOptions {
            sync: false,
            // Soon full.
            log: orrery_storage::log::LogOptions {
                segment_bytes: 64 << 10,
                ..Default::default()
            },
            ..StoreOptions::default()
        };
        let store = Store::open(folder::store_path(folder.path()), &options).unwrap();
        let commit = CommitOptions {
            control_delay: Duration::from_millis(1),
            ..CommitOptions::default()
        };
        let (committer, _, port) =
            Committer::start(&store, config.shards().into(), commit).unwrap();
        let setup = setup(config, &store, &committer, port.clone());
        let (metrics, stop) = (Arc::clone(&setup.metrics), Arc::clone(&setup.stop));
        let context = Arc::clone(&setup.context);
        let control = super::start(setup).unwrap();
        let agent = ureq::Agent::config_builder()
            .http_status_as_error(false)
            .timeout_global(Some(Duration::from_secs(60)))
            .build();
        Self {
            control,
            committer,
            port,
            store,
            metrics,
            stop,
            context,
            folder,
            agent: agent.into(),
        }
    }

    /// Ends everything in order and starts again on the same store.
    fn restart(self) -> Self {
        let Self {
            control,
            committer,
            store,
            folder,
            ..
        } = self;
        control.finish();
        committer.finish().unwrap();
        drop(store);
        let config = config(folder.path());
        Self::open(folder, config)
    }

    fn handle(&self) -> ControlHandle {
        self.control.handle()
    }

    fn url(&self, path: &str) -> String {
        format!("http://{}{path}", self.control.address())
    }

    fn operator_key(&self) -> String {
        let path = folder::operator_key_path(self.folder.path());
        std::fs::read_to_string(path).unwrap().trim().to_owned()
    }

    fn get(&self, path: &str, bearer: Option<&str>) -> Answer {
        self.get_with(path, bearer, &[])
    }

    fn get_with(&self, path: &str, bearer: Option<&str>, headers: &[(&str, &str)]) -> Answer {
        let mut request = self.agent.get(self.url(path));
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        if let Some(bearer) = bearer {
            request = request.header("authorization", format!("Bearer {bearer}"));
        }
        answer(request.call().unwrap())
    }

    fn post(&self, path: &str, bearer: Option<&str>, body: &Value) -> Answer {
        let mut request = self.agent.post(self.url(path));
        if let Some(bearer) = bearer {
            request = request.header("authorization", format!("Bearer {bearer}"));
        }
        answer(request.send_json(body).unwrap())
    }

    fn post_raw(&self, path: &str, content_type: &str, body: &str) -> Answer {
        let request = self
            .agent
            .post(self.url(path))
            .header("content-type", content_type);
        answer(request.send(body).unwrap())
    }

    /// Makes an account; returns its session's token.
    fn sign_up(&self, name: &str) -> String {
        let body = json!({"name": name, "password": PASSWORD});
        let answer = self.post("/api/v1/accounts", None, &body);
        assert_eq!(answer.status, 201, "{answer:?}");
        answer.json()["token"].as_str().unwrap().to_owned()
    }

    /// Makes a character; returns its number.
    fn create(&self, session: &str, name: &str) -> u64 {
        let answer = self.post("/api/v1/characters", Some(session), &json!({"name": name}));
        assert_eq!(answer.status, 201, "{answer:?}");
        answer.json()["id"].as_u64().unwrap()
    }

    fn game_token(&self, session: &str, character: u64) -> String {
        let body = json!({"character": character});
        let answer = self.post("/api/v1/game-token", Some(session), &body);
        assert_eq!(answer.status, 200, "{answer:?}");
        answer.json()["token"].as_str().unwrap().to_owned()
    }

    /// Presents a token as a shard does.
    fn redeem(&self, token: &str) -> Result<Admitted, orrery_proto::message::RefusalCode> {
        let handle = self.handle();
        let connection = ConnectionKey {
            index: 7,
            generation: 1,
        };
        let request = LoginRequest {
            shard: SHARD,
            connection,
            token: token.into(),
            remote: None,
        };
        handle.redeem(request).unwrap();
        let reply = eventually(|| handle.poll_login(SHARD));
        assert_eq!(reply.connection, connection);
        reply.result
    }

    /// The shard has done a beat.
    fn beat(&self, tick: u64) {
        let took = Duration::from_millis(2);
        self.metrics
            .shard(SHARD)
            .record_beat(Tick(tick), took, Duration::ZERO);
    }
}

/// Asks again and again until there is an answer.
#[track_caller]
fn eventually<T>(mut ask: impl FnMut() -> Option<T>) -> T {
    let since = Instant::now();
    loop {
        if let Some(answer) = ask() {
            return answer;
        }
        assert!(since.elapsed() < Duration::from_secs(30), "nothing came");
        std::thread::yield_now();
    }
}

fn answer(mut response: Response<ureq::Body>) -> Answer {
    let status = response.status().as_u16();
    let headers = response.headers().clone();
    let bytes = response.body_mut().read_to_vec().unwrap();
    let text = String::from_utf8_lossy(&bytes).into_owned();
    Answer {
        status,
        headers,
        text,
    }
}

fn character(id: u64) -> CharacterId {
    CharacterId(id)
}
