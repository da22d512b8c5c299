//! Grids change their place, spread and gather, and fail, while players fly on them: the real
//! binary, commanded as an operator does.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use orrery_base::Tick;
use orrery_base::command::Command;
use orrery_game::content::Content;
use serde_json::Value;

use crate::players::{Account, Pilot, block_on};
use crate::process::{Folder, Said, Server, begin, metric, run, run_within, wait_until};

const BOTS: u32 = 30;
/// Beats between two snapshots for a client.
const INTERVAL: u64 = 2;
/// Beats without a snapshot that a client is to bear: two more than usual, and what the network
/// and a busy machine lose. A move that takes longer is felt.
const GAP_MAX: u64 = INTERVAL + 2 + 15;

/// The operator's commands against a server.
struct Operator {
    server: String,
    key: String,
}

impl Operator {
    fn of(server: &Server, folder: &Folder) -> Self {
        Self {
            server: server.http().to_string(),
            key: format!("{}/operator.key", folder.path()),
        }
    }

    /// Runs `orrery grid …`.
    fn grid(&self, arguments: &[&str]) -> Said {
        let whereto = ["--server", &self.server, "--operator-key", &self.key];
        run(&[&["grid"], arguments, &whereto].concat())
    }

    /// Runs `orrery grid … --json`, which must succeed.
    #[track_caller]
    fn json(&self, arguments: &[&str]) -> Value {
        let said = self.grid(&[arguments, &["--json"]].concat());
        serde_json::from_str(said.success()).unwrap()
    }

    /// The grids, by number.
    #[track_caller]
    fn list(&self) -> Vec<Value> {
        match self.json(&["list"]) {
            Value::Array(grids) => grids,
            other => panic!("no list: {other}"),
        }
    }

    /// Home shard and members of a grid.
    #[track_caller]
    fn home(&self, grid: u32) -> (u64, u64) {
        let mut home = None;
        wait_until(&format!("grid {grid} in the list"), || {
            let grids = self.list();
            home = grids.iter().find(|row| row["grid"] == grid).map(|row| {
                let number = |key: &str| row[key].as_u64().unwrap();
                (number("shard"), number("members"))
            });
            home.is_some()
        });
        home.unwrap()
    }
}

/// A swarm in a process of its own, as arguments.
fn swarm(operator: &Operator, count: u32) -> Vec<String> {
    let count = count.to_string();
    let whereto = [
        "--server",
        &operator.server,
        "--operator-key",
        &operator.key,
    ];
    let arguments = ["bots", "--behaviour", "mixed", "--count", &count];
    let arguments = arguments.iter().chain(&whereto);
    arguments.map(|&it| it.to_owned()).collect()
}

/// What a player has seen of time: the longest stretch between two snapshots.
#[derive(Default)]
struct Watch {
    last: Option<Tick>,
    gap: u64,
    snapshots: u64,
}

impl Watch {
    fn look(&mut self, pilot: &Pilot) {
        let Some(tick) = pilot.player.world.replica().tick() else {
            return;
        };
        if let Some(last) = self.last.filter(|last| *last != tick) {
            self.gap = self.gap.max(tick.since(last));
            self.snapshots += 1;
        }
        self.last = Some(tick);
    }
}

/// Takes off and flies about until told otherwise; says what was seen.
async fn fly(
    account: &Account,
    server: &Server,
    content: &Arc<Content>,
    ready: &AtomicBool,
    over: &AtomicBool,
) -> Watch {
    let mut pilot = Pilot::connect(&account.ticket(server), content).await;
    pilot.placed().await;
    pilot.undock().await;
    let direction = [1 << 14, 0, 0];
    let throttle = 1_000;
    let command = Command::Fly {
        direction,
        throttle,
    };
    pilot.command(command).await.unwrap();
    ready.store(true, Ordering::Release);
    let mut watch = Watch::default();
    pilot
        .until("the end of the operator's work", |pilot| {
            watch.look(pilot);
            over.load(Ordering::Acquire).then_some(())
        })
        .await;
    // What happened last must not be the end of it: a second of snapshots.
    let enough = watch.snapshots + 15;
    pilot
        .until("more snapshots", |pilot| {
            watch.look(pilot);
            (watch.snapshots >= enough).then_some(())
        })
        .await;
    // And the grid still takes orders.
    pilot.command(Command::Stop).await.unwrap();
    let counts = pilot.player.world.counts();
    assert_eq!(counts.malformed, 0, "{counts:?}");
    pilot.player.leave().await;
    watch
}

/// Ada and Ben, in different systems, fly while the operator works.
fn fly_while(server: &Server, content: &Arc<Content>, work: impl FnOnce() + Send) -> [Watch; 2] {
    let accounts = ["Ada", "Ben"].map(|name| Account::sign_up(server, name));
    let ready = [AtomicBool::new(false), AtomicBool::new(false)];
    let over = AtomicBool::new(false);
    std::thread::scope(|scope| {
        let operator = scope.spawn(|| {
            // However the work ends, nobody waits for it in vain.
            struct Over<'a>(&'a AtomicBool);
            impl Drop for Over<'_> {
                fn drop(&mut self) {
                    self.0.store(true, Ordering::Release);
                }
            }
            let _over = Over(&over);
            wait_until("everybody flies", || {
                ready.iter().all(|ready| ready.load(Ordering::Acquire))
            });
            work();
        });
        let [ada, ben] = &accounts;
        let watches = block_on(async {
            tokio::join!(
                fly(ada, server, content, &ready[0], &over),
                fly(ben, server, content, &ready[1], &over),
            )
        });
        if let Err(panic) = operator.join() {
            std::panic::resume_unwind(panic);
        }
        watches.into()
    })
}

/// Replays a stopped store, every digest compared, and audits it.
#[track_caller]
fn assert_repeatable(folder: &Folder) {
    let replay = ["replay", "--data", folder.path(), "--verify"];
    let shards = ["--shards", "1,2"];
    let replayed = run_within(&[&replay[..], &shards].concat(), Duration::from_secs(300));
    let equal = replayed.success().matches("every digest equal").count();
    assert_eq!(equal, 2, "{}", replayed.out);
    let audit = run(&["audit", "--data", folder.path()]);
    assert!(audit.success().contains("sound"), "{}", audit.out);
}

/// Nobody who plays is disturbed by it, and the journal repeats what they did.
#[test]
fn grids_move_split_and_merge_under_their_players() {
    let folder = Folder::new(2, 5);
    let content = Arc::new(folder.content());
    let server = folder
        .serve()
        .set("balance.enabled", "false")
        .set("durability.keep_beats", "1000000")
        .start();
    let operator = Operator::of(&server, &folder);
    let arguments = swarm(&operator, BOTS);
    let arguments: Vec<_> = arguments.iter().map(String::as_str).collect();
    let bots = begin(&arguments);
    server.metric_reaches("orrery_clients", &[], BOTS.into());
    let watches = fly_while(&server, &content, || {
        for _ in 0..3 {
            for grid in ["1", "2"] {
                let number: u32 = grid.parse().unwrap();
                let (home, members) = operator.home(number);
                assert_eq!(members, 1);
                let other = (1 - home).to_string();
                let moved = operator.json(&["move", grid, &other]);
                assert_eq!(
                    (&moved["shard"], &moved["members"]),
                    (&(1 - home).into(), &1.into())
                );
                let split = operator.json(&["split", grid, "2", "--slices", "3"]);
                assert_eq!(split["members"], 2);
                // A move of what several shards step merges it first.
                operator.json(&["move", grid, &home.to_string()]);
                assert_eq!(operator.home(number), (home, 1));
                operator.json(&["split", grid, "2"]);
                let merged = operator.json(&["merge", grid]);
                assert_eq!(
                    (&merged["shard"], &merged["members"]),
                    (&home.into(), &1.into())
                );
            }
        }
    });
    for watch in watches {
        println!("{} snapshots, gap {} beats", watch.snapshots, watch.gap);
        assert!(
            watch.gap <= GAP_MAX,
            "{} beats without a snapshot",
            watch.gap
        );
    }
    // Thirty bots and nobody else, now that Ada and Ben have left; none was lost on the way.
    wait_until("Ada and Ben to be gone", || {
        server.metric("orrery_clients", &[]) <= f64::from(BOTS)
    });
    assert_eq!(server.metric("orrery_clients", &[]), f64::from(BOTS));
    let asked = |what| server.metric("orrery_placement_requests_total", &[("what", what)]);
    assert_eq!(["move", "split", "merge"].map(asked), [12.0, 12.0, 6.0]);
    assert_eq!(server.metric("orrery_grids_lost_total", &[]), 0.0);
    drop(bots);
    server.stop();
    assert_repeatable(&folder);
}

/// The grid that fails is restored, its players stay, and its neighbours notice nothing.
#[test]
fn a_fault_is_contained() {
    let folder = Folder::new(2, 5);
    let content = Arc::new(folder.content());
    let server = folder
        .serve()
        .set("server.allow_faults", "true")
        .set("balance.enabled", "false")
        .set("durability.keep_beats", "1000000")
        .start();
    let operator = Operator::of(&server, &folder);
    let http = server.http();
    let restored = |count: u32| {
        wait_until(&format!("{count} grids to be restored"), || {
            metric(http, "orrery_grids_restored_total", &[]) >= f64::from(count)
        });
    };
    let watches = fly_while(&server, &content, || {
        // Whole, and then in the middle of a team's work.
        assert_eq!(operator.home(2).1, 1);
        operator.grid(&["fault", "2"]).success();
        restored(1);
        operator.json(&["split", "2", "2"]);
        operator.grid(&["fault", "2"]).success();
        restored(2);
    });
    let seconds = server.metric("orrery_grid_restore_duration_seconds_sum", &[]);
    println!(
        "restored twice in {seconds:.3} s; gaps {:?} beats",
        watches.each_ref().map(|watch| watch.gap)
    );
    assert!(seconds < 20.0, "two restorations took {seconds} s");
    assert_eq!(server.metric("orrery_grids_lost_total", &[]), 2.0);
    // Ben's grid went on: its time is never more than a lost snapshot or two ahead of him.
    let neighbour = &watches[1];
    assert!(neighbour.gap <= GAP_MAX, "{} beats without", neighbour.gap);
    let log = server.stop_after_faults();
    assert_eq!(log.matches("a grid is lost").count(), 2, "{log}");
    assert_eq!(log.matches("a grid is back").count(), 2, "{log}");
    let incidents = std::fs::read_dir(format!("{}/incidents", folder.path())).unwrap();
    assert_eq!(incidents.count(), 4, "a record and a report of each");
    assert_repeatable(&folder);
}

/// What cannot be is refused in words that say what could.
#[test]
fn an_operator_is_told_what_is_wrong() {
    let folder = Folder::new(2, 5);
    let server = folder.serve().start();
    let operator = Operator::of(&server, &folder);
    assert_eq!(operator.home(1).1, 1);
    for (arguments, expected) in [
        (&["fault", "1"][..], "server.allow_faults"),
        (&["move", "1", "7"], "shard goes from 0 to 1"),
        (&["move", "77", "1"], "There is no grid 77"),
        (&["split", "1", "3"], "members goes from 1 to 2"),
    ] {
        let said = operator.grid(arguments);
        assert!(
            said.refusal().contains(expected),
            "{expected}: {}",
            said.err
        );
    }
    let help = run(&["grid", "--help"]);
    assert!(
        help.success().contains("orrery grid move 7 1"),
        "{}",
        help.out
    );
    let table = operator.grid(&["list"]);
    assert_eq!(table.success().lines().count(), 3, "{}", table.out);
    server.stop();
}

/// Whatever an operator puts on one shard, the balancer spreads again.
#[test]
fn the_balancer_relieves_a_shard() {
    let folder = Folder::new(4, 5);
    let server = folder
        .serve()
        .set("balance.interval_ms", "1000")
        .set("balance.move_per_mille", "0")
        .set("balance.rest_beats", "30")
        .start();
    let operator = Operator::of(&server, &folder);
    let arguments = swarm(&operator, BOTS);
    let arguments: Vec<_> = arguments.iter().map(String::as_str).collect();
    let bots = begin(&arguments);
    server.metric_reaches("orrery_clients", &[], BOTS.into());
    let moves = || {
        let labels = [("by", "balancer"), ("what", "move")];
        server.metric("orrery_placement_requests_total", &labels)
    };
    let before = moves();
    for grid in 1..=4_u32 {
        if operator.home(grid).0 != 0 {
            operator
                .grid(&["move", &grid.to_string(), "0", "--no-wait"])
                .success();
        }
    }
    wait_until("the balancer to move a grid", || moves() > before);
    wait_until("grids on both shards", || {
        let grids = operator.list();
        let on = |shard: u64| grids.iter().any(|grid| grid["shard"] == shard);
        grids.len() == 4 && on(0) && on(1)
    });
    drop(bots);
    let log = server.stop();
    assert!(log.contains("a grid moves: its shard is full"), "{log}");
}
