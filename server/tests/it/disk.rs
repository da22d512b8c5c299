//! Disks that are full, fail, or are slow, under the real binary with its real way of writing:
//! what was acknowledged is there afterwards, nothing is acknowledged after the failure, the
//! server says so and is gone within a second.

mod mounts;

use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use orrery_client::rest::Rest;
use serde_json::Value;

use self::mounts::{Kind, enter};
use crate::process::{DEADLINE, Folder, Said, Serve, Server, wait_until};

const PASSWORD: &str = "violet comet drifts slowly";
/// From the failure to the end of the process.
const LONGEST: Duration = Duration::from_secs(1);
/// Segments that are soon full.
const SMALL: (&str, &str) = ("durability.log_segment_mib", "1");
const XFS: Kind = Kind::Xfs { mib: 512 };

/// Accounts that the server has acknowledged.
#[derive(Default)]
struct Acknowledged {
    names: Vec<String>,
    tried: u32,
}

impl Acknowledged {
    /// Makes one more account; whether the server says that it is there.
    fn sign_up(&mut self, rest: &Rest) -> bool {
        self.tried += 1;
        let name = format!("Pilot {:04}", self.tried);
        let done = rest.sign_up(&name, PASSWORD).is_ok();
        if done {
            self.names.push(name);
        }
        done
    }

    /// Each of them is there.
    #[track_caller]
    fn are_on(&self, server: &Server) {
        for name in &self.names {
            let session = server.rest().log_in(name, PASSWORD);
            assert!(session.is_ok(), "{name} was acknowledged: {session:?}");
        }
    }
}

/// When the log says that nothing is acknowledged any more.
#[track_caller]
fn failed_at(said: &Said) -> Duration {
    let line = said
        .err
        .lines()
        .find(|line| line.contains("nothing is acknowledged any more"));
    let line = line.unwrap_or_else(|| panic!("it does not say so:\n{}", said.err));
    // 2026-11-21T06:30:00.123456Z: the time of the day is enough.
    let (_, time) = line.split_once('T').unwrap();
    let (time, _) = time.split_once('Z').unwrap();
    let parts: Vec<f64> = time.split(':').map(|part| part.parse().unwrap()).collect();
    Duration::from_secs_f64(parts[0] * 3600.0 + parts[1] * 60.0 + parts[2])
}

/// Between the failure and the end of the process.
fn took(said: &Said, ended: SystemTime) -> Duration {
    let day = Duration::from_secs(24 * 3600);
    let since = ended.duration_since(UNIX_EPOCH).unwrap();
    let of_day = Duration::from_nanos((since.as_nanos() % day.as_nanos()) as u64);
    // Over midnight too.
    let nanos = (of_day + day - failed_at(said)).as_nanos() % day.as_nanos();
    Duration::from_nanos(nanos as u64)
}

/// The server has ended by itself, with an error that names the reason, soon after it.
#[track_caller]
fn assert_fell(said: &Said, ended: SystemTime, reason: &str) {
    assert!(said.refusal().contains(reason), "{}", said.err);
    assert!(!said.out.contains("the store is clean"), "{}", said.out);
    let took = took(said, ended);
    assert!(took < LONGEST, "{took:?} after the failure:\n{}", said.err);
    eprintln!("ended {took:?} after the failure");
}

/// Looks at `/readyz` until nobody answers; what it said last of its troubles.
fn watch_readiness(http: std::net::SocketAddr, troubles: &std::sync::Mutex<Vec<String>>) {
    let config = ureq::Agent::config_builder()
        .http_status_as_error(false)
        .timeout_global(Some(Duration::from_secs(2)))
        .build();
    let agent: ureq::Agent = config.into();
    while let Ok(mut answer) = agent.get(format!("http://{http}/readyz")).call() {
        if answer.status() == 503
            && let Ok(text) = answer.body_mut().read_to_string()
        {
            troubles.lock().unwrap().push(text);
        }
        std::thread::sleep(Duration::from_millis(1));
    }
}

/// Signs up until the server is gone. `/readyz` is watched meanwhile; whatever it says then is
/// returned.
fn sign_up_until_it_is_gone(server: &Server, all: &mut Acknowledged) -> Vec<String> {
    let rest = server.rest();
    let troubles = std::sync::Mutex::default();
    let (http, troubles_seen) = (server.http(), &troubles);
    let since = Instant::now();
    std::thread::scope(|scope| {
        let watcher = scope.spawn(move || watch_readiness(http, troubles_seen));
        while !watcher.is_finished() {
            assert!(since.elapsed() < DEADLINE, "the server goes on");
            all.sign_up(&rest);
        }
    });
    troubles.into_inner().unwrap()
}

/// Small segments: new room is wanted every few seconds.
fn small_segments(folder: &Folder) -> Serve {
    folder.serve().set(SMALL.0, SMALL.1)
}

#[test]
fn a_full_disk_ends_the_server_and_room_brings_it_back() {
    let name = "disk::a_full_disk_ends_the_server_and_room_brings_it_back";
    let Some(mount) = enter(name, Kind::Tmpfs { mib: 192 }) else {
        return;
    };
    let folder = Folder::with(&mount.path(), 2, 1, &[SMALL]);
    let server = small_segments(&folder).start();
    let mut all = Acknowledged::default();
    assert!(all.sign_up(&server.rest()));
    let ballast = mount.fill();
    let troubles = sign_up_until_it_is_gone(&server, &mut all);
    let (said, ended) = server.fall();
    assert_fell(&said, ended, "No space left on device");
    eprintln!("/readyz at the end: {:?}", troubles.last());

    // Still full: it says so and changes nothing.
    let refused = small_segments(&folder).refused();
    assert!(refused.contains("No space left on device"), "{refused}");
    std::fs::remove_file(ballast).unwrap();
    let server = small_segments(&folder).start();
    all.are_on(&server);
    assert!(all.sign_up(&server.rest()));
    server.stop();
}

#[test]
fn a_disk_that_fails_ends_the_server_and_what_was_acknowledged_is_there() {
    let name = "disk::a_disk_that_fails_ends_the_server_and_what_was_acknowledged_is_there";
    let Some(mount) = enter(name, XFS) else {
        return;
    };
    let folder = Folder::with(&mount.path(), 2, 1, &[SMALL]);
    let server = small_segments(&folder).start();
    // The galaxy and the keys; from here on the server has to see to it.
    mount.sync();
    let mut all = Acknowledged::default();
    for _ in 0..5 {
        assert!(all.sign_up(&server.rest()));
    }
    mount.shut_down();
    let since = Instant::now();
    assert!(!all.sign_up(&server.rest()), "nothing is acknowledged");
    let (said, ended) = server.fall();
    assert!(since.elapsed() < LONGEST, "{:?}", since.elapsed());
    assert_fell(&said, ended, "Input/output error");

    mount.come_back();
    let server = small_segments(&folder).start();
    all.are_on(&server);
    assert!(all.sign_up(&server.rest()));
    server.stop();
}

/// Beats that are done, and how many of them are not on the disk.
fn beats(rest: &Rest) -> (u64, u64) {
    let status: Value = rest.get("/api/v1/status", None).unwrap();
    let number = |key: &str| status[key].as_u64().unwrap();
    (number("tick"), number("durable_lag_beats"))
}

/// The game goes on for as long as is configured, replies wait, and the world waits after that.
#[test]
fn a_disk_that_stands_still_holds_back_replies_first_and_the_world_later() {
    const AHEAD: u64 = 90;
    let name = "disk::a_disk_that_stands_still_holds_back_replies_first_and_the_world_later";
    let Some(mount) = enter(name, XFS) else {
        return;
    };
    let folder = Folder::with(&mount.path(), 2, 1, &[SMALL]);
    let serve = folder.serve();
    let server = serve
        .set("durability.ahead_beats", &AHEAD.to_string())
        .start();
    let rest = server.rest();
    let mut all = Acknowledged::default();
    assert!(all.sign_up(&rest));
    let frozen = mount.freeze();
    let since = Instant::now();
    let (before, _) = beats(&rest);
    let is_answered = AtomicBool::new(false);
    std::thread::scope(|scope| {
        let (is_answered, all, rest) = (&is_answered, &mut all, &rest);
        scope.spawn(move || {
            assert!(all.sign_up(rest), "late, but it comes");
            is_answered.store(true, Ordering::Release);
        });
        // The game goes on for a second and more.
        wait_until("30 beats without the disk", || beats(rest).0 >= before + 30);
        eprintln!("30 beats after {:?}", since.elapsed());
        assert!(!is_answered.load(Ordering::Acquire));
        // And then for no longer than allowed.
        wait_until("the world to wait", || beats(rest).1 >= AHEAD);
        let ahead_after = since.elapsed();
        std::thread::sleep(Duration::from_secs(1));
        let (held, lag) = beats(rest);
        std::thread::sleep(Duration::from_secs(1));
        assert_eq!(beats(rest), (held, lag), "it stands");
        eprintln!("{lag} beats ahead of the disk, after {ahead_after:?}; {AHEAD} are allowed");
        // Those that wait, what is in the write, and the beat that waits to be submitted.
        assert!((AHEAD..=AHEAD + 8).contains(&lag), "{lag}");
        let ready: Result<Value, _> = rest.get("/readyz", None);
        assert!(ready.is_err(), "it says that the world waits");
        assert!(!is_answered.load(Ordering::Acquire));
        drop(frozen);
        wait_until("the reply", || is_answered.load(Ordering::Acquire));
        wait_until("the world to go on", || {
            let (tick, lag) = beats(rest);
            tick > held + 30 && lag < 10
        });
    });
    all.are_on(&server);
    server.stop();
}
