//! What a swarm has experienced, as figures.

use std::collections::VecDeque;
use std::time::{Duration, Instant};

use hdrhistogram::Histogram;
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
    /// When the input was sent that no snapshot has confirmed yet.
    steering: Option<Instant>,
    /// Whether an input was unconfirmed when last looked at.
    was_steering: bool,
    /// Commands without an answer, by the order in which they were sent.
    asked: VecDeque<(u32, Instant)>,
}

impl BotFigures {
    pub(super) fn begin(&mut self) {
        let arrived = self.arrived;
        // What is under way was sent before, nobody knows when.
        *self = Self {
            arrived,
            measuring: true,
            was_steering: true,
            ..Self::default()
        };
    }

    pub(super) fn finish(&mut self, start: &quinn::ConnectionStats, end: &quinn::ConnectionStats) {
        self.bytes_in = end.udp_rx.bytes - start.udp_rx.bytes;
        self.bytes_out = end.udp_tx.bytes - start.udp_tx.bytes;
        self.packets_sent = end.path.sent_packets - start.path.sent_packets;
        self.packets_lost = end.path.lost_packets - start.path.lost_packets;
    }

    pub(super) fn snapshot(&mut self, player: &Player) {
        if self.measuring {
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

    /// The ship is on another grid, or on none: inputs under way are forgotten.
    pub(super) fn moved(&mut self) {
        self.steering = None;
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
