//! What the edges do: sockets, QUIC, handshakes.

use super::super::cell::Counter;
use super::super::samples::Samples;
use super::super::shard::EdgeCells;
use super::{Kind, Metric, Registry, SHARD, Unit, each_shard, shard_numbers};

pub(super) const METRICS: &[Metric] = &[
    // The edge.
    Metric {
        name: "udp_datagrams",
        unit: Unit::None,
        kind: Kind::Counter,
        labels: &["shard", "direction"],
        help: "UDP datagrams.",
        read: |registry, out| {
            edge(
                registry,
                out,
                &[("in", |e| &e.datagrams_in), ("out", |e| &e.datagrams_out)],
            );
        },
    },
    Metric {
        name: "udp_payload",
        unit: Unit::Bytes,
        kind: Kind::Counter,
        labels: &["shard", "direction"],
        help: "Bytes of UDP datagrams, without the headers of UDP and IP.",
        read: |registry, out| {
            edge(
                registry,
                out,
                &[("in", |e| &e.bytes_in), ("out", |e| &e.bytes_out)],
            );
        },
    },
    Metric {
        name: "udp_calls",
        unit: Unit::None,
        kind: Kind::Counter,
        labels: &["shard", "call"],
        help: "System calls that moved datagrams.",
        read: |registry, out| {
            edge(
                registry,
                out,
                &[
                    ("recvmmsg", |e| &e.receive_calls),
                    ("sendmmsg", |e| &e.send_calls),
                ],
            );
        },
    },
    Metric {
        name: "udp_trouble",
        unit: Unit::None,
        kind: Kind::Counter,
        labels: &["shard", "kind"],
        help: "Datagrams that the kernel dropped or refused, and times that a send buffer was full.",
        read: |registry, out| {
            edge(
                registry,
                out,
                &[
                    ("receive_overflow", |e| &e.receive_overflows),
                    ("send_blocked", |e| &e.send_blocked),
                    ("send_failed", |e| &e.send_failed),
                ],
            );
        },
    },
    Metric {
        name: "udp_forwarded",
        unit: Unit::None,
        kind: Kind::Counter,
        labels: SHARD,
        help: "Datagrams that reached another shard's socket first.",
        read: |registry, out| shard_numbers(registry, out, |shard| shard.edge.forwarded_in.value()),
    },
    Metric {
        name: "quic_datagrams",
        unit: Unit::None,
        kind: Kind::Counter,
        labels: &["shard", "direction"],
        help: "Unreliable QUIC datagrams: inputs in, snapshots out.",
        read: |registry, out| {
            edge(
                registry,
                out,
                &[("in", |e| &e.unreliable_in), ("out", |e| &e.unreliable_out)],
            );
        },
    },
    Metric {
        name: "quic_stream",
        unit: Unit::Bytes,
        kind: Kind::Counter,
        labels: &["shard", "direction"],
        help: "Bytes of control streams.",
        read: |registry, out| {
            edge(
                registry,
                out,
                &[
                    ("in", |e| &e.stream_bytes_in),
                    ("out", |e| &e.stream_bytes_out),
                ],
            );
        },
    },
    Metric {
        name: "handshakes",
        unit: Unit::None,
        kind: Kind::Counter,
        labels: &["shard", "result"],
        help: "QUIC handshakes begun and what became of them; retries are addresses to prove first.",
        read: |registry, out| {
            edge(
                registry,
                out,
                &[
                    ("started", |e| &e.handshakes_started),
                    ("completed", |e| &e.handshakes_completed),
                    ("failed", |e| &e.handshakes_failed),
                    ("timed_out", |e| &e.handshakes_timed_out),
                    ("retried", |e| &e.retries),
                ],
            );
        },
    },
    Metric {
        name: "connections_refused",
        unit: Unit::None,
        kind: Kind::Counter,
        labels: &["shard", "reason"],
        help: "Connections and packets that the edge refused by itself.",
        read: |registry, out| {
            edge(
                registry,
                out,
                &[
                    ("full", |e| &e.refused_full),
                    ("farewells", |e| &e.refused_farewells),
                    ("pending", |e| &e.refused_pending),
                    ("address_rate", |e| &e.refused_address_rate),
                    ("global_rate", |e| &e.deferred_global_rate),
                    ("packet_rate", |e| &e.refused_rate),
                    ("protocol", |e| &e.refused_alpn),
                    ("malformed", |e| &e.refused_malformed),
                ],
            );
        },
    },
    Metric {
        name: "connections_ended",
        unit: Unit::None,
        kind: Kind::Counter,
        labels: &["shard", "reason"],
        help: "Connections that ended, by why the edge ended them; `any` counts all.",
        read: |registry, out| {
            edge(
                registry,
                out,
                &[
                    ("any", |e| &e.closed),
                    ("too_slow", |e| &e.closed_too_slow),
                    ("control_stream", |e| &e.closed_control_stream),
                    ("timed_out", |e| &e.closed_timed_out),
                ],
            );
        },
    },
    Metric {
        name: "connections_made",
        unit: Unit::None,
        kind: Kind::Counter,
        labels: SHARD,
        help: "Connections whose handshake was completed and that were let in.",
        read: |registry, out| shard_numbers(registry, out, |shard| shard.edge.connected.value()),
    },
];

/// A label's value and the counter that it stands for.
type Cell<'a> = (&'a str, fn(&EdgeCells) -> &Counter);

fn edge(registry: &Registry, out: &mut Samples<'_>, cells: &[Cell<'_>]) {
    each_shard(registry, |name, shard| {
        for (value, of) in cells {
            out.whole(&[name, value], of(&shard.edge).value());
        }
    });
}
