//! What a swarm has experienced, as figures.

use std::collections::VecDeque;
use std::time::{Duration, Instant};

use hdrhistogram::Histogram;
use orrery_base::Tick;
use serde::Serialize;

use crate::player::Player;

/// One bot's experience. Figures count from the moment that the swarm is complete.
#[derive(Debug, Default)]
pub struct BotFigures {
    /// Whether it ever played.
    pub arrived: bool,
    /// Why it is gone, if it was not told to go.
    pub error: Option<String>,
    measuring: bool,
    snapshots: u64,
    entities: u64,
    unusable: u64,
    broken: u64,
    answers: u64,
    rejects: u64,
    bytes_in: u64,
    bytes_out: u64,
    packets_sent: u64,
    packets_lost: u64,
    rtt_us: Vec<u64>,
    input_us: Vec<u64>,
    answer_us: Vec<u64>,
    correction_cm: Vec<u64>,
    snapshot_gap_us: Vec<u64>,
    snapshot_gap_beats: u64,
    /// The slowest pace of a grid's time, per mille; `None` before the first snapshot.
    dilation_min: Option<u16>,
    /// When the newest snapshot of this stay came, and its beat.
    newest: Option<(Instant, Tick)>,
    /// When the input was sent that no snapshot has confirmed yet.
    steering: Option<Instant>,
    /// Whether an input was unconfirmed when last looked at.
    was_steering: bool,
    /// Commands without an answer, by the order in which they were sent.
    asked: VecDeque<(u32, Instant)>,
}

impl BotFigures {
    pub(super) fn begin(&mut self) {
        let (arrived, newest) = (self.arrived, self.newest);
        // What is under way was sent before, nobody knows when.
        *self = Self {
            arrived,
            newest,
            measuring: true,
            was_steering: true,
            ..Self::default()
        };
    }

    pub(super) fn finish(&mut self, start: &quinn::ConnectionStats, end: &quinn::ConnectionStats) {
        // A snapshot that has not come by the end counts as if it came then.
        if let Some((at, tick)) = self.newest
            && at.elapsed() > OVERDUE
        {
            self.gap(Instant::now(), tick);
        }
        self.bytes_in = end.udp_rx.bytes - start.udp_rx.bytes;
        self.bytes_out = end.udp_tx.bytes - start.udp_tx.bytes;
        self.packets_sent = end.path.sent_packets - start.path.sent_packets;
        self.packets_lost = end.path.lost_packets - start.path.lost_packets;
    }

    pub(super) fn snapshot(&mut self, player: &Player) {
        self.gap(Instant::now(), player.world.clock().newest());
        if self.measuring {
            self.pace(player.dilation());
            self.snapshots += 1;
            self.entities += player.world.replica().entities().count() as u64;
            let prediction = player.world.prediction();
            if prediction.state().is_some() {
                self.correction_cm.push(prediction.correction_cm() as u64);
            }
            if prediction.pending_inputs() == 0
                && let Some(since) = self.steering.take()
            {
                self.input_us.push(micros(since.elapsed()));
            }
        }
    }

    /// A snapshot of this beat has come: how long after the one before on the same grid?
    fn gap(&mut self, now: Instant, tick: Tick) {
        let former = self.newest.replace((now, tick));
        if let Some((at, former)) = former.filter(|_| self.measuring) {
            self.snapshot_gap_us.push(micros(now.duration_since(at)));
            self.snapshot_gap_beats = self.snapshot_gap_beats.max(tick.since(former));
        }
    }

    fn pace(&mut self, per_mille: u16) {
        self.dilation_min = Some(
            self.dilation_min
                .map_or(per_mille, |min| min.min(per_mille)),
        );
    }

    /// The ship is on another grid, or on none: inputs under way are forgotten, and no snapshot
    /// is waited for.
    pub(super) fn moved(&mut self) {
        self.steering = None;
        self.newest = None;
    }

    pub(super) fn asked(&mut self, sequence: u32) {
        if self.measuring {
            self.asked.push_back((sequence, Instant::now()));
        }
    }

    pub(super) fn unusable(&mut self, harmless: bool) {
        if self.measuring {
            self.unusable += 1;
            self.broken += u64::from(!harmless);
        }
    }

    pub(super) fn answered(&mut self, sequence: u32, rejected: bool) {
        if self.measuring {
            self.answers += 1;
            self.rejects += u64::from(rejected);
            if let Some(place) = self.asked.iter().position(|(asked, _)| *asked == sequence)
                && let Some((_, since)) = self.asked.remove(place)
            {
                self.answer_us.push(micros(since.elapsed()));
            }
        }
    }

    /// Looks at the round-trip time, and whether an input has just gone out.
    pub(super) fn sample(&mut self, player: &Player) {
        if self.measuring {
            self.rtt_us.push(micros(player.rtt()));
            let steering = player.world.prediction().pending_inputs() > 0;
            if steering && !self.was_steering {
                self.steering = Some(Instant::now());
            }
            self.was_steering = steering;
        }
    }
}

fn micros(duration: Duration) -> u64 {
    u64::try_from(duration.as_micros()).unwrap_or(u64::MAX)
}

/// A distribution, shortened.
#[derive(Clone, Copy, Debug, Default, Serialize)]
pub struct Spread {
    /// Half are below.
    pub p50: f64,
    /// Ninety-nine of a hundred are below.
    pub p99: f64,
    /// None is above.
    pub max: f64,
}

/// A swarm's experience.
#[derive(Clone, Debug, Serialize)]
pub struct Report {
    /// Bots that were to play.
    pub bots: usize,
    /// Bots that came to play.
    pub arrived: usize,
    /// Bots that ended by themselves.
    pub failed: usize,
    /// Why, a few of them.
    pub errors: Vec<String>,
    /// Seconds that were measured.
    pub seconds: f64,
    /// Round-trip time of the connections, milliseconds.
    pub rtt_ms: Spread,
    /// From sending a flight input until a snapshot shows it: beat and snapshot interval included,
    /// milliseconds.
    pub input_ms: Spread,
    /// From sending a command until its answer, milliseconds.
    pub answer_ms: Spread,
    /// Share of the clients' packets that were lost.
    pub loss_ratio: f64,
    /// From one applied snapshot to the next of the same stay on a grid, as a bot has it,
    /// milliseconds of real time. A slow grid's are farther apart.
    pub snapshot_gap_ms: Spread,
    /// The largest of these, in beats of the grid's own time: what was lost or left out, while a
    /// grid that stands still makes none.
    pub snapshot_gap_beats_max: u64,
    /// The slowest pace that a bot saw its grid's time run at, per mille of real time; 1000 where
    /// nothing slowed it.
    pub dilation_min: u16,
    /// Snapshots per second and bot.
    pub snapshots_per_s: f64,
    /// Snapshots that could not be used, of all that came.
    pub unusable_ratio: f64,
    /// Snapshots that no loss or reordering explains: a fault.
    pub broken_snapshots: u64,
    /// Entities in sight.
    pub visible: f64,
    /// UDP payload bytes per second towards one bot.
    pub bytes_in_per_s: f64,
    /// The same from one bot.
    pub bytes_out_per_s: f64,
    /// Commands answered per second and bot.
    pub answers_per_s: f64,
    /// Share of the commands that were refused.
    pub reject_ratio: f64,
    /// How far the prediction of the own ship was off, centimetres.
    pub correction_cm: Spread,
    #[serde(skip)]
    sums: Sums,
}

#[derive(Clone, Debug)]
struct Sums {
    rtt_us: Histogram<u64>,
    input_us: Histogram<u64>,
    answer_us: Histogram<u64>,
    correction_cm: Histogram<u64>,
    snapshot_gap_us: Histogram<u64>,
    snapshots: u64,
    entities: u64,
    unusable: u64,
    answers: u64,
    rejects: u64,
    bytes_in: u64,
    bytes_out: u64,
    packets_sent: u64,
    packets_lost: u64,
}

/// A silence that counts as a gap although no snapshot has ended it.
const OVERDUE: Duration = Duration::from_millis(500);
/// The most errors that a report quotes.
const ERRORS_MAX: usize = 8;
/// What is larger counts as this: a minute in microseconds, 600 km in centimetres.
const LARGEST: u64 = 60_000_000;

impl Report {
    pub(super) fn new(bots: usize, measured: Duration) -> Self {
        // With bounds: one that resizes itself counts what is beyond them as its smallest value.
        let histogram =
            || Histogram::new_with_bounds(1, LARGEST, 3).expect("three digits are allowed");
        Self {
            bots,
            arrived: 0,
            failed: 0,
            errors: Vec::new(),
            seconds: measured.as_secs_f64(),
            rtt_ms: Spread::default(),
            input_ms: Spread::default(),
            answer_ms: Spread::default(),
            loss_ratio: 0.0,
            snapshot_gap_ms: Spread::default(),
            snapshot_gap_beats_max: 0,
            dilation_min: 1_000,
            snapshots_per_s: 0.0,
            unusable_ratio: 0.0,
            broken_snapshots: 0,
            visible: 0.0,
            bytes_in_per_s: 0.0,
            bytes_out_per_s: 0.0,
            answers_per_s: 0.0,
            reject_ratio: 0.0,
            correction_cm: Spread::default(),
            sums: Sums {
                rtt_us: histogram(),
                input_us: histogram(),
                answer_us: histogram(),
                correction_cm: histogram(),
                snapshot_gap_us: histogram(),
                snapshots: 0,
                entities: 0,
                unusable: 0,
                answers: 0,
                rejects: 0,
                bytes_in: 0,
                bytes_out: 0,
                packets_sent: 0,
                packets_lost: 0,
            },
        }
    }

    pub(super) fn failed(&mut self, error: String) {
        self.failed += 1;
        if self.errors.len() < ERRORS_MAX && !self.errors.contains(&error) {
            self.errors.push(error);
        }
    }

    pub(super) fn add(&mut self, bot: &BotFigures) {
        self.arrived += usize::from(bot.arrived);
        if let Some(error) = &bot.error {
            self.failed(error.clone());
        }
        let sums = &mut self.sums;
        for (histogram, values) in [
            (&mut sums.rtt_us, &bot.rtt_us),
            (&mut sums.input_us, &bot.input_us),
            (&mut sums.answer_us, &bot.answer_us),
            (&mut sums.correction_cm, &bot.correction_cm),
            (&mut sums.snapshot_gap_us, &bot.snapshot_gap_us),
        ] {
            for &value in values {
                histogram.saturating_record(value);
            }
        }
        sums.snapshots += bot.snapshots;
        sums.entities += bot.entities;
        sums.unusable += bot.unusable;
        sums.answers += bot.answers;
        sums.rejects += bot.rejects;
        sums.bytes_in += bot.bytes_in;
        sums.bytes_out += bot.bytes_out;
        sums.packets_sent += bot.packets_sent;
        sums.packets_lost += bot.packets_lost;
        self.broken_snapshots += bot.broken;
        self.snapshot_gap_beats_max = self.snapshot_gap_beats_max.max(bot.snapshot_gap_beats);
        self.dilation_min = self.dilation_min.min(bot.dilation_min.unwrap_or(1_000));
        self.sum_up();
    }

    fn sum_up(&mut self) {
        let sums = &self.sums;
        let bot_seconds = (self.seconds * self.arrived as f64).max(1e-9);
        let ratio = |part: u64, whole: u64| part as f64 / whole.max(1) as f64;
        self.rtt_ms = spread(&sums.rtt_us, 1e-3);
        self.input_ms = spread(&sums.input_us, 1e-3);
        self.answer_ms = spread(&sums.answer_us, 1e-3);
        self.correction_cm = spread(&sums.correction_cm, 1.0);
        self.snapshot_gap_ms = spread(&sums.snapshot_gap_us, 1e-3);
        self.loss_ratio = ratio(sums.packets_lost, sums.packets_sent);
        self.snapshots_per_s = sums.snapshots as f64 / bot_seconds;
        self.unusable_ratio = ratio(sums.unusable, sums.unusable + sums.snapshots);
        self.visible = ratio(sums.entities, sums.snapshots);
        self.bytes_in_per_s = sums.bytes_in as f64 / bot_seconds;
        self.bytes_out_per_s = sums.bytes_out as f64 / bot_seconds;
        self.answers_per_s = sums.answers as f64 / bot_seconds;
        self.reject_ratio = ratio(sums.rejects, sums.answers);
    }
}

fn spread(histogram: &Histogram<u64>, scale: f64) -> Spread {
    if histogram.is_empty() {
        return Spread::default();
    }
    let at = |quantile| histogram.value_at_quantile(quantile) as f64 * scale;
    Spread {
        p50: at(0.5),
        p99: at(0.99),
        max: histogram.max() as f64 * scale,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn large_values_are_counted_as_they_are() {
        let mut report = Report::new(1, Duration::from_secs(1));
        let bot = BotFigures {
            rtt_us: vec![3_000, 5_000, 2_000_000_000],
            ..BotFigures::default()
        };
        report.add(&bot);
        assert!(
            (report.rtt_ms.p50 - 5.0).abs() < 0.01,
            "{:?}",
            report.rtt_ms
        );
        assert!(
            (report.rtt_ms.max - 60_000.0).abs() < 60.0,
            "{:?}",
            report.rtt_ms
        );
        assert_eq!(report.input_ms.max, 0.0);
    }

    #[test]
    fn gaps_are_those_within_a_stay() {
        let mut bot = BotFigures::default();
        let start = Instant::now();
        let at = |ms| start + Duration::from_millis(ms);
        // Before figures are taken, a gap is none; the one that spans the beginning is.
        bot.gap(at(0), Tick(100));
        bot.gap(at(9_000), Tick(200));
        bot.begin();
        bot.pace(1_000);
        bot.gap(at(9_066), Tick(202));
        bot.pace(300);
        bot.gap(at(9_300), Tick(206));
        bot.pace(700);
        // Another grid, whose beats say nothing about those of the former one.
        bot.moved();
        bot.gap(at(12_000), Tick(90_000));
        bot.gap(at(12_060), Tick(90_002));
        let mut report = Report::new(2, Duration::from_secs(3));
        assert_eq!(report.dilation_min, 1_000);
        report.add(&bot);
        report.add(&BotFigures::default());
        assert_eq!(bot.snapshot_gap_us, [66_000, 234_000, 60_000]);
        assert!(
            (report.snapshot_gap_ms.max - 234.0).abs() < 0.5,
            "{report:?}"
        );
        assert!(
            (report.snapshot_gap_ms.p50 - 66.0).abs() < 0.5,
            "{report:?}"
        );
        assert_eq!(
            (report.snapshot_gap_beats_max, report.dilation_min),
            (4, 300)
        );
        let json = serde_json::to_value(&report).unwrap();
        assert_eq!(json["dilation_min"], 300);
        assert!(json["snapshot_gap_ms"]["max"].as_f64().unwrap() > 233.0);
    }

    #[test]
    fn an_answer_belongs_to_its_command() {
        let mut bot = BotFigures::default();
        bot.begin();
        bot.asked(1);
        bot.asked(2);
        bot.answered(2, false);
        bot.answered(7, true);
        assert_eq!((bot.answer_us.len(), bot.answers, bot.rejects), (1, 2, 1));
        assert_eq!(bot.asked.len(), 1);
    }
}
