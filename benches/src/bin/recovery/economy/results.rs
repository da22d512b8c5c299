//! What a run with traders has found, as JSON, as a table, as a plot, and in the summary.

use std::fmt::Write as _;

use anyhow::Context as _;
use orrery_benches::report::{rounded, summarise};
use serde_json::json;

use super::reconcile::Findings;
use crate::Setting;
use crate::results::{about, folder, quantile, write_json};
use crate::stage::Stage;

/// One life of a server, and what was found at its end.
#[derive(Clone, Debug)]
pub(super) struct Life {
    /// The beat that it began with.
    pub(super) beat: u64,
    /// Seconds from the start of the process until every digest had been compared, until it was
    /// ready for players, and from there to its end.
    pub(super) recovered_s: f64,
    pub(super) ready_s: f64,
    pub(super) lived_s: f64,
    /// Parcels on their way at its end.
    pub(super) parcels: u64,
    /// What reconciliation has found, over all lives so far.
    pub(super) findings: Findings,
}

impl Life {
    pub(super) fn holds(&self) -> bool {
        self.findings.holds()
    }

    /// A line about it.
    pub(super) fn line(&self, kill: u32, kills: u32) -> String {
        let found = &self.findings;
        format!(
            "crash: {kill} of {kills}: beat {}, ready after {:.2} s, killed {:.2} s later: {} \
             accepted, {} refused, {} unanswered ({} of them known), {} effects, {} trades, {} \
             parcels on their way: {} lost, {} doubled, {} wrong",
            self.beat,
            self.ready_s,
            self.lived_s,
            found.accepted,
            found.refused,
            found.unanswered,
            found.known_unanswered,
            found.effects,
            found.fills,
            self.parcels,
            found.lost.len(),
            found.doubled.len(),
            found.wrong.len(),
        )
    }
}

/// All lives.
pub(super) struct Results {
    pub(super) traders: u32,
    /// Commands sent and results heard, and different requests.
    pub(super) sent: u64,
    pub(super) heard: u64,
    pub(super) requests: u64,
    /// The last one has ended well, the others with a kill.
    pub(super) lives: Vec<Life>,
}

impl Results {
    fn kills(&self) -> usize {
        self.lives.len().saturating_sub(1)
    }

    /// Writes everything; whether nothing was lost, doubled or wrong.
    ///
    /// # Errors
    /// If something cannot be written, or there was no life.
    pub(super) fn write(&self, common: &Setting, stage: &Stage) -> anyhow::Result<bool> {
        let folder = folder(common, stage.root())?;
        let last = &self.lives.last().context("there was no life")?.findings;
        let open: u64 = self.lives.iter().map(|life| life.findings.unanswered).sum();
        let value = json!({
            "about": about(stage.root()),
            "traders": self.traders,
            "kills": self.kills(),
            "commands_sent": self.sent,
            "results_heard": self.heard,
            "requests": self.requests,
            "accepted": last.accepted,
            "refused": last.refused,
            "open_at_kills": open,
            "effects": last.effects,
            "arrivals": last.arrivals,
            "orders": last.orders,
            "trades": last.fills,
            "entries": last.entries,
            "sums_compared": last.sums,
            "lost": last.lost,
            "doubled": last.doubled,
            "wrong": last.wrong,
            "findings_beyond_these": last.more,
            "lives": self.lives.iter().map(|life| json!({
                "beat": life.beat,
                "recovered_s": rounded(life.recovered_s),
                "ready_s": rounded(life.ready_s),
                "lived_s": rounded(life.lived_s),
                "accepted": life.findings.accepted,
                "unanswered": life.findings.unanswered,
                "parcels": life.parcels,
            })).collect::<Vec<_>>(),
        });
        write_json(&folder.join("crash_economy.json"), &value)?;
        let table = self.table(last, open);
        let path = folder.join("crash_economy.md");
        std::fs::write(&path, &table).with_context(|| format!("write {}", path.display()))?;
        let path = folder.join("crash_economy.svg");
        std::fs::write(&path, self.plot()).with_context(|| format!("write {}", path.display()))?;
        let figures = [
            ("crash_economy.kills", self.kills() as f64),
            (
                "crash_economy.acknowledged",
                (last.accepted + last.refused) as f64,
            ),
            ("crash_economy.lost", last.lost.len() as f64),
            ("crash_economy.doubled", last.doubled.len() as f64),
            ("crash_economy.wrong", last.wrong.len() as f64),
        ];
        let path = folder.join("summary.json");
        summarise(&path, &figures).with_context(|| format!("write {}", path.display()))?;
        println!("\n{table}");
        for (kind, list) in [
            ("LOST", &last.lost),
            ("DOUBLED", &last.doubled),
            ("WRONG", &last.wrong),
        ] {
            for what in list {
                println!("{kind}: {what}");
            }
        }
        Ok(last.holds())
    }

    fn table(&self, last: &Findings, open: u64) -> String {
        let ready: Vec<_> = self.lives.iter().skip(1).map(|life| life.ready_s).collect();
        let parcels: u64 = self.lives.iter().map(|life| life.parcels).sum();
        let rows = [
            ("kills (SIGKILL)", self.kills().to_string()),
            (
                "traders, up to four connections a life each",
                self.traders.to_string(),
            ),
            (
                "commands sent, different requests",
                format!("{}, {}", self.sent, self.requests),
            ),
            (
                "acknowledged: accepted, refused",
                format!("{}, {}", last.accepted, last.refused),
            ),
            ("requests without an answer at kills", open.to_string()),
            ("parcels on their way at kills", parcels.to_string()),
            (
                "entries of the history, of these asked for at a desk",
                format!("{}, {}", last.entries, last.effects),
            ),
            ("orders, trades", format!("{}, {}", last.orders, last.fills)),
            ("sums compared at the end", last.sums.to_string()),
            ("acknowledged and lost", last.lost.len().to_string()),
            ("doubled", last.doubled.len().to_string()),
            (
                "sums or answers that are wrong",
                last.wrong.len().to_string(),
            ),
            (
                "start to ready for players",
                format!(
                    "p50 {:.2} s, at most {:.2} s",
                    quantile(&ready, 0.5),
                    quantile(&ready, 1.0)
                ),
            ),
        ];
        let mut text = String::from("| figure | measured |\n| --- | --- |\n");
        for (name, value) in rows {
            // Writing to a string cannot fail.
            let _ = writeln!(text, "| {name} | {value} |");
        }
        text
    }

    /// Requests that were open and parcels that were on their way, at each kill.
    fn plot(&self) -> String {
        const WIDTH: f64 = 860.0;
        const HEIGHT: f64 = 320.0;
        const LEFT: f64 = 60.0;
        const TOP: f64 = 50.0;
        const BOTTOM: f64 = 30.0;
        let killed = &self.lives[..self.kills()];
        let open = |life: &Life| life.findings.unanswered;
        let most = killed.iter().map(|life| open(life).max(life.parcels)).max();
        let most = most.unwrap_or(1).max(1) as f64 * 1.1;
        let x = |kill: usize| {
            LEFT + (kill as f64 + 0.5) * (WIDTH - LEFT - 20.0) / killed.len().max(1) as f64
        };
        let y = |count: u64| HEIGHT - BOTTOM - count as f64 / most * (HEIGHT - TOP - BOTTOM);
        let mut svg = format!(
            "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 {WIDTH} {HEIGHT}\" \
             font-family=\"system-ui, sans-serif\" font-size=\"13\">\n<style>\n\
             svg {{ color: #1c2530; background: #fff; }} text {{ fill: currentColor; }}\n\
             .open {{ fill: #2563c9; }} .parcels {{ fill: #9aa5b1; }}\n\
             @media (prefers-color-scheme: dark) {{ svg {{ color: #dde4ec; background: #12171d; }} }}\n\
             </style>\n<text x=\"16\" y=\"26\" font-weight=\"bold\" font-size=\"16\">\
             What each SIGKILL interrupted, {} traders</text>\n\
             <text x=\"16\" y=\"44\" font-size=\"11\">at each kill: blue, requests without an \
             answer; grey, parcels on their way</text>\n\
             <path d=\"M{LEFT} {TOP}V{1:.1}H{2}\" stroke=\"currentColor\" fill=\"none\"/>\n\
             <text x=\"{3}\" y=\"{4:.1}\" text-anchor=\"end\">{5:.0}</text>\n",
            self.traders,
            y(0),
            WIDTH - 20.0,
            LEFT - 8.0,
            TOP + 8.0,
            most,
        );
        for (kill, life) in killed.iter().enumerate() {
            for (class, count) in [("parcels", life.parcels), ("open", open(life))] {
                let _ = writeln!(
                    svg,
                    "<circle class=\"{class}\" cx=\"{:.1}\" cy=\"{:.1}\" r=\"3\"/>",
                    x(kill),
                    y(count)
                );
            }
        }
        svg.push_str("</svg>\n");
        svg
    }
}
