//! QUIC's own parameters. quinn's defaults suit bulk transfers between a few peers and allow
//! some 250 MB of buffers per connection; a shard has thousands of connections that exchange
//! small messages. Every value that matters is set here, with its reason.

use core::time::Duration;
use std::sync::Arc;

use quinn_proto::congestion::CubicConfig;
use quinn_proto::{
    AckFrequencyConfig, EndpointConfig, IdleTimeout, MtuDiscoveryConfig, NoneTokenLog,
    ServerConfig, TransportConfig, ValidationTokenConfig, VarInt,
};

use crate::config::EdgeConfig;
use crate::connection_id::ShardIds;

/// Bytes that a client may send on its control stream ahead of what the edge has read. The edge
/// reads at once, so this bounds only reordered data. A command is tens of bytes; a login a few
/// hundred.
const STREAM_WINDOW_BYTES: u32 = 32 * 1024;
/// Unreliable bytes from a client that wait for the edge, which reads them at once.
const DATAGRAMS_IN_BYTES: usize = 16 * 1024;
/// Unreliable bytes that wait for a client: a few snapshots. Older ones are worth nothing once
/// newer ones exist, so a long queue would be nothing but latency.
const DATAGRAMS_OUT_BYTES: usize = 16 * 1024;
/// The part of the control stream's queue that QUIC itself holds: sent and not yet
/// acknowledged, or about to be sent. 64 KiB per round trip is 640 KB/s at 100 ms.
pub(crate) const SEND_WINDOW_BYTES: usize = 64 * 1024;
/// What fits into an Ethernet frame behind IPv6 and UDP headers.
const MTU_MAX_BYTES: u16 = 1_452;
/// The largest UDP payload that we accept: an Ethernet frame's, behind IPv4 and UDP headers.
/// The receive buffers of the shell are larger than this.
pub(crate) const PAYLOAD_MAX_BYTES: u16 = 1_472;

fn transport(config: &EdgeConfig) -> TransportConfig {
    let idle_ms = u32::try_from(config.limits.idle_timeout.as_millis()).unwrap_or(u32::MAX);
    let mut transport = TransportConfig::default();
    transport
        // The control stream, and none besides: a second one is a STREAM_LIMIT_ERROR.
        .max_concurrent_bidi_streams(VarInt::from_u32(1))
        .max_concurrent_uni_streams(VarInt::from_u32(0))
        .stream_receive_window(VarInt::from_u32(STREAM_WINDOW_BYTES))
        // One stream, so the connection's window is the stream's.
        .receive_window(VarInt::from_u32(STREAM_WINDOW_BYTES))
        .send_window(SEND_WINDOW_BYTES as u64)
        // There is only one stream to be fair to.
        .send_fairness(false)
        // A player who has pulled the plug leaves the world after this long, not after 30 s.
        .max_idle_timeout(Some(IdleTimeout::from(VarInt::from_u32(idle_ms))))
        // Only the server keeps alive: snapshots do it all the time anyway, and a client that
        // is gone is found out by their missing acknowledgements.
        .keep_alive_interval(Some(config.limits.keep_alive))
        // A reordered handshake is at most a few packets; the default is 16 KiB per connection.
        .crypto_buffer_size(8 * 1024)
        .datagram_receive_buffer_size(Some(DATAGRAMS_IN_BYTES))
        .datagram_send_buffer_size(DATAGRAMS_OUT_BYTES)
        // Start at what every path carries and look for more: larger packets matter while a
        // client loads its first picture of the world, and cost four probes.
        .initial_mtu(1_200)
        .min_mtu(1_200)
        .mtu_discovery_config(Some(mtu_discovery()))
        .ack_frequency_config(Some(ack_frequency()))
        // 333 ms, the RFC's guess, makes the first probe of a lost handshake packet wait for
        // a second; players are nearer than that.
        .initial_rtt(Duration::from_millis(150))
        // The spin bit shows a player's round-trip time to everybody on the path.
        .allow_spin(false)
        // Cubic: snapshots hardly ever fill the window, and where they do we should yield like
        // any other traffic. BBR is experimental in quinn.
        .congestion_controller_factory(Arc::new(CubicConfig::default()))
        // Several datagrams to one client in one call of the kernel: 3.4 µs each, not 4.9.
        .enable_segmentation_offload(true)
        // The rest are quinn's defaults, here so that an update cannot change them unseen.
        .packet_threshold(3)
        .time_threshold(9.0 / 8.0)
        .persistent_congestion_threshold(3)
        .pad_to_mtu(false);
    transport
}

fn mtu_discovery() -> MtuDiscoveryConfig {
    let mut discovery = MtuDiscoveryConfig::default();
    discovery
        .upper_bound(MTU_MAX_BYTES)
        // Paths rarely change; ten minutes is the RFC's advice.
        .interval(Duration::from_secs(600))
        .black_hole_cooldown(Duration::from_secs(60))
        .minimum_change(20);
    discovery
}

/// Clients may wait with acknowledgements, where they know the extension: snapshots are
/// acknowledged by the session layer inside the inputs anyway, and an acknowledgement costs the
/// server as much as a datagram.
fn ack_frequency() -> AckFrequencyConfig {
    let mut frequency = AckFrequencyConfig::default();
    frequency
        .ack_eliciting_threshold(VarInt::from_u32(10))
        // quinn reduces this to the round-trip time, or 25 ms if that is shorter.
        .max_ack_delay(Some(Duration::from_millis(100)))
        .reordering_threshold(VarInt::from_u32(2));
    frequency
}

/// quinn's configuration of the endpoint: ids, versions, stateless resets.
pub(crate) fn endpoint(config: &EdgeConfig) -> EndpointConfig {
    let mut endpoint = EndpointConfig::new(config.keys.reset.clone());
    let (key, shard, shards) = (config.keys.connection_id, config.shard, config.shards);
    endpoint
        .cid_generator(move || Box::new(ShardIds::new(&key, shard, shards)))
        // QUIC version 1 alone; the drafts that quinn also speaks have no clients left.
        .supported_versions(vec![1])
        // After a crash thousands of clients wait for a reset at once. quinn's 20 ms between
        // resets guards against loops of garbage, which our tagged ids already break.
        .min_reset_interval(Duration::from_micros(100))
        .grease_quic_bit(true);
    endpoint
        .max_udp_payload_size(PAYLOAD_MAX_BYTES)
        .expect("PAYLOAD_MAX_BYTES is in quinn's range of 1,200 to 65,527");
    endpoint
}

/// quinn's configuration of accepted connections.
pub(crate) fn server(config: &EdgeConfig) -> ServerConfig {
    let mut server = ServerConfig::new(config.tls.quic.clone(), config.keys.token.clone());
    let mut tokens = ValidationTokenConfig::default();
    // Tokens for later visits would need a shared memory of those already used.
    tokens.sent(0).log(Arc::new(NoneTokenLog));
    server
        .transport_config(Arc::new(transport(config)))
        .validation_token_config(tokens)
        // Time for a client on a slow line to repeat its Initial with the token.
        .retry_token_lifetime(Duration::from_secs(15))
        // Players change networks; their session should not notice.
        .migration(true)
        // Those that wait for their turn; the edge bounds them more tightly itself.
        .max_incoming(config.limits.handshakes.saturating_add(64))
        // A waiting client repeats its ClientHello a few times; keep no more than that.
        .incoming_buffer_size(6 * 1024)
        .incoming_buffer_size_total(1024 * 1024);
    server
}
