//! From the table to the text of a scrape.

use std::fmt;
use std::sync::Arc;

use prometheus_client::collector::Collector;
use prometheus_client::encoding::{DescriptorEncoder, MetricEncoder, NoLabelSet, text};
use prometheus_client::metrics::MetricType;
use prometheus_client::registry;

use super::table::{Kind, Metric, Unit, metrics};
use super::{Distribution, Registry};

/// Label values of one sample, in the order of the metric's label names.
pub(super) type Values<'a> = &'a [&'a str];

/// Label names with their values.
pub(super) type Labels = [(&'static str, String)];

/// Where samples go.
pub(super) type Sink<'a> = dyn FnMut(&Labels, Sample) -> fmt::Result + 'a;

/// Takes the samples of one metric.
pub(super) struct Samples<'a> {
    labels: &'static [&'static str],
    sink: &'a mut Sink<'a>,
    result: fmt::Result,
}

/// One sample.
#[derive(Clone, PartialEq, Debug)]
pub(super) enum Sample {
    Whole(u64),
    Real(f64),
    Durations(Distribution),
}

impl<'a> Samples<'a> {
    pub(super) fn new(metric: &Metric, sink: &'a mut Sink<'a>) -> Self {
        Self {
            labels: metric.labels,
            sink,
            result: Ok(()),
        }
    }

    pub(super) fn whole(&mut self, values: Values<'_>, value: u64) {
        self.add(values, Sample::Whole(value));
    }

    pub(super) fn real(&mut self, values: Values<'_>, value: f64) {
        self.add(values, Sample::Real(value));
    }

    pub(super) fn durations(&mut self, values: Values<'_>, value: Distribution) {
        self.add(values, Sample::Durations(value));
    }

    fn add(&mut self, values: Values<'_>, sample: Sample) {
        assert_eq!(
            values.len(),
            self.labels.len(),
            "a sample has a value for each label"
        );
        let labels: Vec<_> = self
            .labels
            .iter()
            .zip(values)
            .map(|(&label, value)| (label, (*value).to_owned()))
            .collect();
        self.result = self.result.and_then(|()| (self.sink)(&labels, sample));
    }

    pub(super) fn finish(self) -> fmt::Result {
        self.result
    }
}

/// The text of a scrape, in the OpenMetrics format, which Prometheus reads.
#[must_use]
pub fn encode(registry: &Arc<Registry>) -> String {
    let mut output = registry::Registry::with_prefix("orrery");
    output.register_collector(Box::new(Arc::clone(registry)));
    let mut text = String::with_capacity(64 * 1024);
    text::encode(&mut text, &output).expect("writing to a string does not fail");
    text
}

impl Collector for Registry {
    fn encode(&self, mut encoder: DescriptorEncoder<'_>) -> fmt::Result {
        for metric in metrics() {
            let unit = metric.unit.to_library();
            let mut metric_encoder = encoder.encode_descriptor(
                metric.name,
                metric.help,
                unit.as_ref(),
                metric.kind.to_library(),
            )?;
            let mut sink = |labels: &Labels, sample: Sample| {
                if labels.is_empty() {
                    return encode_sample(&mut metric_encoder, metric.kind, &sample);
                }
                let mut family = metric_encoder.encode_family(&labels)?;
                encode_sample(&mut family, metric.kind, &sample)
            };
            let mut samples = Samples::new(metric, &mut sink);
            (metric.read)(self, &mut samples);
            samples.finish()?;
        }
        Ok(())
    }
}

fn encode_sample(encoder: &mut MetricEncoder<'_>, kind: Kind, sample: &Sample) -> fmt::Result {
    match (kind, sample) {
        (Kind::Counter, Sample::Whole(value)) => {
            encoder.encode_counter::<NoLabelSet, u64, f64>(value, None)
        }
        (Kind::Counter, Sample::Real(value)) => {
            encoder.encode_counter::<NoLabelSet, f64, f64>(value, None)
        }
        (Kind::Gauge, Sample::Whole(value)) => encoder.encode_gauge(value),
        (Kind::Gauge, Sample::Real(value)) => encoder.encode_gauge(value),
        (Kind::Histogram, Sample::Durations(value)) => encoder.encode_histogram::<NoLabelSet>(
            value.sum_s(),
            value.count(),
            &value.coarse(),
            None,
        ),
        // The table's test reads every metric, so this is never seen outside of it.
        (Kind::Histogram, _) | (_, Sample::Durations(_)) => Err(fmt::Error),
    }
}

impl Kind {
    const fn to_library(self) -> MetricType {
        match self {
            Self::Counter => MetricType::Counter,
            Self::Gauge => MetricType::Gauge,
            Self::Histogram => MetricType::Histogram,
        }
    }
}

impl Unit {
    fn to_library(self) -> Option<registry::Unit> {
        match self {
            Self::None => None,
            Self::Seconds => Some(registry::Unit::Seconds),
            Self::Bytes => Some(registry::Unit::Bytes),
            Self::Ratio => Some(registry::Unit::Other("ratio".to_owned())),
        }
    }
}
