//! Reading the server's `/metrics`: counters, gauges, and histograms that can be subtracted.

use std::collections::BTreeMap;

use anyhow::Context as _;

/// A scrape: every sample by its name, with the text of its labels.
#[derive(Clone, Debug, Default)]
pub(crate) struct Scrape {
    samples: BTreeMap<String, Vec<(String, f64)>>,
}

impl Scrape {
    /// Asks the server at an address such as `http://127.0.0.1:7780`.
    pub(crate) fn of(agent: &ureq::Agent, base: &str) -> anyhow::Result<Self> {
        let url = format!("{base}/metrics");
        let mut answer = agent
            .get(&url)
            .call()
            .with_context(|| format!("get {url}"))?;
        let text = answer
            .body_mut()
            .read_to_string()
            .with_context(|| format!("read {url}"))?;
        Ok(Self::parse(&text))
    }

    /// Reads the OpenMetrics text format; lines that are not samples are skipped.
    pub(crate) fn parse(text: &str) -> Self {
        let mut samples: BTreeMap<String, Vec<(String, f64)>> = BTreeMap::new();
        for line in text.lines().filter(|line| !line.starts_with('#')) {
            let Some((series, value)) = line.rsplit_once(' ') else {
                continue;
            };
            let Ok(value) = value.parse() else { continue };
            let (name, labels) = series.split_once('{').unwrap_or((series, ""));
            let labels = labels.trim_end_matches('}').to_owned();
            samples
                .entry(name.to_owned())
                .or_default()
                .push((labels, value));
        }
        Self { samples }
    }

    /// The sum of the samples of one name that carry all of these labels, such as
    /// `direction="out"`.
    pub(crate) fn sum(&self, name: &str, labels: &[&str]) -> f64 {
        self.having(name, labels).map(|(_, value)| value).sum()
    }

    fn having<'a>(
        &'a self,
        name: &str,
        labels: &'a [&str],
    ) -> impl Iterator<Item = (&'a str, f64)> {
        let samples = self.samples.get(name).into_iter().flatten();
        samples
            .filter(|(of, _)| {
                labels
                    .iter()
                    .all(|label| of.split(',').any(|one| one == *label))
            })
            .map(|(of, value)| (of.as_str(), *value))
    }

    /// The distribution of a histogram (its name without `_bucket`), summed over all series that
    /// carry these labels.
    pub(crate) fn durations(&self, name: &str, labels: &[&str]) -> Durations {
        let mut buckets: Vec<(f64, f64)> = Vec::new();
        for (of, count) in self.having(&format!("{name}_bucket"), labels) {
            let Some(bound_s) = of.split(',').find_map(bound) else {
                continue;
            };
            match buckets.iter_mut().find(|(known, _)| *known == bound_s) {
                Some((_, sum)) => *sum += count,
                None => buckets.push((bound_s, count)),
            }
        }
        buckets.sort_by(|(one, _), (other, _)| one.total_cmp(other));
        Durations {
            buckets,
            sum_s: self.sum(&format!("{name}_sum"), labels),
        }
    }

    /// The values of a label that samples of one name have, in order.
    pub(crate) fn values_of(&self, name: &str, label: &str) -> Vec<String> {
        let mut values: Vec<String> = Vec::new();
        for (labels, _) in self.having(name, &[]) {
            let value = labels
                .split(',')
                .find_map(|one| one.strip_prefix(label)?.strip_prefix('='));
            if let Some(value) = value.map(|value| value.trim_matches('"').to_owned())
                && !values.contains(&value)
            {
                values.push(value);
            }
        }
        values
    }
}

fn bound(label: &str) -> Option<f64> {
    let text = label.strip_prefix("le=\"")?.strip_suffix('"')?;
    if text == "+Inf" {
        Some(f64::INFINITY)
    } else {
        text.parse().ok()
    }
}

/// Durations by size: upper bounds in seconds, ascending, each with the count of all below it.
#[derive(Clone, Debug, Default, PartialEq)]
pub(crate) struct Durations {
    buckets: Vec<(f64, f64)>,
    sum_s: f64,
}

/// A quantile of [`Durations`]: interpolated within its bucket, and the bucket's bounds.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub(crate) struct Quantile {
    /// As if the durations were spread evenly over their bucket, milliseconds.
    pub(crate) ms: f64,
    /// It is not less.
    pub(crate) from_ms: f64,
    /// It is not more.
    pub(crate) to_ms: f64,
}

impl Durations {
    /// What was counted after `earlier`.
    pub(crate) fn since(&self, earlier: &Self) -> Self {
        let before = |bound: f64| {
            let found = earlier.buckets.iter().find(|(other, _)| *other == bound);
            found.map_or(0.0, |(_, count)| *count)
        };
        let buckets = self
            .buckets
            .iter()
            .map(|&(bound, count)| (bound, count - before(bound)));
        Self {
            buckets: buckets.collect(),
            sum_s: self.sum_s - earlier.sum_s,
        }
    }

    /// How many.
    pub(crate) fn count(&self) -> f64 {
        self.buckets.last().map_or(0.0, |(_, count)| *count)
    }

    /// The mean, milliseconds; 0 of none.
    pub(crate) fn mean_ms(&self) -> f64 {
        if self.count() > 0.0 {
            self.sum_s / self.count() * 1e3
        } else {
            0.0
        }
    }

    /// The sum, seconds.
    pub(crate) const fn sum_s(&self) -> f64 {
        self.sum_s
    }

    /// The duration that `part` (0..=1) of them do not exceed. Of nothing it is 0; beyond the last
    /// bound it is that bound, which is the best that is known.
    pub(crate) fn quantile(&self, part: f64) -> Quantile {
        let rank = (self.count() * part).max(f64::MIN_POSITIVE);
        let (mut low, mut below) = (0.0, 0.0);
        for &(bound, count) in &self.buckets {
            if count >= rank {
                if bound.is_infinite() {
                    return Quantile {
                        ms: low * 1e3,
                        from_ms: low * 1e3,
                        to_ms: f64::INFINITY,
                    };
                }
                let share = (rank - below) / (count - below);
                let ms = (low + (bound - low) * share) * 1e3;
                return Quantile {
                    ms,
                    from_ms: low * 1e3,
                    to_ms: bound * 1e3,
                };
            }
            (low, below) = (bound, count);
        }
        Quantile::default()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const TEXT: &str = "\
# HELP orrery_beat_duration_seconds Time.
# TYPE orrery_beat_duration_seconds histogram
orrery_beat_duration_seconds_sum{shard=\"0\"} 1.5
orrery_beat_duration_seconds_count{shard=\"0\"} 10
orrery_beat_duration_seconds_bucket{le=\"0.001\",shard=\"0\"} 4
orrery_beat_duration_seconds_bucket{le=\"0.002\",shard=\"0\"} 10
orrery_beat_duration_seconds_bucket{le=\"+Inf\",shard=\"0\"} 10
orrery_beat_duration_seconds_sum{shard=\"1\"} 0.5
orrery_beat_duration_seconds_bucket{le=\"0.001\",shard=\"1\"} 10
orrery_beat_duration_seconds_bucket{le=\"0.002\",shard=\"1\"} 10
orrery_beat_duration_seconds_bucket{le=\"+Inf\",shard=\"1\"} 10
orrery_clients{shard=\"0\"} 3
orrery_clients{shard=\"1\"} 4
orrery_udp_payload_bytes_total{shard=\"0\",direction=\"in\"} 5
orrery_udp_payload_bytes_total{shard=\"0\",direction=\"out\"} 7
orrery_uptime_seconds 12.25
# EOF
";

    #[test]
    fn sums_by_label() {
        let scrape = Scrape::parse(TEXT);
        assert_eq!(scrape.sum("orrery_clients", &[]), 7.0);
        assert_eq!(scrape.sum("orrery_clients", &["shard=\"1\""]), 4.0);
        assert_eq!(
            scrape.sum("orrery_udp_payload_bytes_total", &["direction=\"out\""]),
            7.0
        );
        assert_eq!(scrape.sum("orrery_uptime_seconds", &[]), 12.25);
        assert_eq!(scrape.sum("orrery_nothing", &[]), 0.0);
        assert_eq!(
            scrape.values_of("orrery_udp_payload_bytes_total", "direction"),
            ["in", "out"]
        );
    }

    #[test]
    fn histograms_are_merged_and_subtracted() {
        let name = "orrery_beat_duration_seconds";
        let scrape = Scrape::parse(TEXT);
        let all = scrape.durations(name, &[]);
        assert_eq!((all.count(), all.sum_s()), (20.0, 2.0));
        assert_eq!(all.mean_ms(), 100.0);
        // 14 of 20 are below 1 ms: the 17th is in the middle of what is left.
        let quantile = all.quantile(0.85);
        assert!((quantile.ms - 1.5).abs() < 1e-9, "{quantile:?}");
        assert_eq!((quantile.from_ms, quantile.to_ms), (1.0, 2.0));
        let window = all.since(&scrape.durations(name, &["shard=\"1\""]));
        assert_eq!(window, scrape.durations(name, &["shard=\"0\""]));
        assert_eq!(all.since(&all).quantile(0.99).ms, 0.0);
    }

    #[test]
    fn beyond_the_last_bound_is_unbounded() {
        let text = "x_bucket{le=\"1.0\"} 1\nx_bucket{le=\"+Inf\"} 4\n";
        let quantile = Scrape::parse(text).durations("x", &[]).quantile(0.99);
        assert_eq!(
            quantile,
            Quantile {
                ms: 1e3,
                from_ms: 1e3,
                to_ms: f64::INFINITY
            }
        );
    }
}
