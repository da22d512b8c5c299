//! The system calls of the shell: the only unsafe code of this crate.
//!
//! The sockets stay in blocking mode, since io_uring would otherwise answer "nothing there"
//! instead of waiting; every call here says MSG_DONTWAIT.

use core::mem::{self, MaybeUninit};
use core::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr, SocketAddrV4, SocketAddrV6};
use core::ptr;
use std::io;
use std::os::fd::{AsFd as _, AsRawFd as _, BorrowedFd, RawFd};

use bytes::BytesMut;
use libc::{c_int, c_uint, c_void, cmsghdr, iovec, mmsghdr, msghdr, sockaddr_storage, socklen_t};
use quinn_proto::EcnCodepoint;
use socket2::{Domain, Protocol, SockAddr, Type};

use super::sender::Message;
use super::{BindError, Listen};
use crate::batch::{Received, TransmitBatch};
use crate::counters::SocketCounters;

/// Room for one datagram. Larger than `PAYLOAD_MAX_BYTES`, which clients are told.
const SLOT_BYTES: usize = 2_048;
/// Allocation behind a slot: several datagrams are cut from it before it is renewed, or taken
/// over again if nobody holds a part of it any more.
const ALLOCATION_BYTES: usize = 8_192;
/// Room for the control messages below; the largest set takes 88 bytes.
const CONTROL_BYTES: usize = 128;

/// One bound UDP socket.
#[derive(Debug)]
pub(super) struct Socket {
    socket: socket2::Socket,
    local: SocketAddr,
    /// Whether the kernel cuts a large send into datagrams (UDP_SEGMENT).
    segments: core::cell::Cell<bool>,
    /// The kernel's count of dropped datagrams when we last looked.
    overflows: u32,
}

impl Socket {
    /// Binds; `shared` says whether the shards share the port.
    pub(super) fn bind(
        address: SocketAddr,
        shared: bool,
        listen: &Listen,
    ) -> Result<Self, BindError> {
        let io_error = |what| {
            move |source| BindError::Io {
                what,
                address,
                source,
            }
        };
        let socket = socket2::Socket::new(
            Domain::for_address(address),
            Type::DGRAM,
            Some(Protocol::UDP),
        )
        .map_err(io_error("make a socket for"))?;
        if address.is_ipv6() {
            socket
                .set_only_v6(true)
                .map_err(io_error("restrict to IPv6"))?;
        }
        if shared {
            socket
                .set_reuse_port(true)
                .map_err(io_error("share the port of"))?;
        }
        socket
            .bind(&SockAddr::from(address))
            .map_err(|source| match source.kind() {
                io::ErrorKind::AddrInUse => BindError::AddressInUse { address },
                _ => BindError::Io {
                    what: "bind",
                    address,
                    source,
                },
            })?;
        configure(&socket, address.is_ipv6(), listen)
            .map_err(io_error("configure the socket of"))?;
        let local = socket
            .local_addr()
            .and_then(|local| {
                local
                    .as_socket()
                    .ok_or_else(|| io::ErrorKind::Unsupported.into())
            })
            .map_err(io_error("find the address of"))?;
        Ok(Self {
            socket,
            local,
            segments: core::cell::Cell::new(true),
            overflows: 0,
        })
    }

    pub(super) fn local_address(&self) -> SocketAddr {
        self.local
    }

    /// The socket as something to wait for.
    pub(super) fn descriptor(&self) -> BorrowedFd<'_> {
        self.socket.as_fd()
    }

    /// Whether the kernel cuts a large send to this socket's routes into datagrams, as far as
    /// is known.
    pub(super) fn segments(&self) -> bool {
        self.segments.get()
    }

    /// The kernel has refused to segment.
    pub(super) fn without_segments(&self) {
        self.segments.set(false);
    }

    fn fd(&self) -> RawFd {
        self.socket.as_raw_fd()
    }
}

fn configure(socket: &socket2::Socket, ipv6: bool, listen: &Listen) -> io::Result<()> {
    // More than `rmem_max` takes a privilege; without it, what is allowed is taken.
    let (receive, send) = (listen.receive_buffer_bytes, listen.send_buffer_bytes);
    if set_option(socket, libc::SOL_SOCKET, libc::SO_RCVBUFFORCE, int(receive)).is_err() {
        socket.set_recv_buffer_size(receive)?;
    }
    if set_option(socket, libc::SOL_SOCKET, libc::SO_SNDBUFFORCE, int(send)).is_err() {
        socket.set_send_buffer_size(send)?;
    }
    // How many datagrams were dropped, with each one that was not.
    set_option(socket, libc::SOL_SOCKET, libc::SO_RXQ_OVFL, 1)?;
    // Where a datagram was sent to, its congestion bits, and no fragments: the edge looks for
    // the path's MTU itself.
    if ipv6 {
        set_option(socket, libc::IPPROTO_IPV6, libc::IPV6_RECVPKTINFO, 1)?;
        set_option(socket, libc::IPPROTO_IPV6, libc::IPV6_RECVTCLASS, 1)?;
        set_option(
            socket,
            libc::IPPROTO_IPV6,
            libc::IPV6_MTU_DISCOVER,
            libc::IPV6_PMTUDISC_PROBE,
        )
    } else {
        set_option(socket, libc::IPPROTO_IP, libc::IP_PKTINFO, 1)?;
        set_option(socket, libc::IPPROTO_IP, libc::IP_RECVTOS, 1)?;
        set_option(
            socket,
            libc::IPPROTO_IP,
            libc::IP_MTU_DISCOVER,
            libc::IP_PMTUDISC_PROBE,
        )
    }
}

fn int(bytes: usize) -> c_int {
    c_int::try_from(bytes).unwrap_or(c_int::MAX)
}

fn set_option(socket: &socket2::Socket, level: c_int, name: c_int, value: c_int) -> io::Result<()> {
    // SAFETY: the kernel reads one int from a pointer to one int.
    let result = unsafe {
        libc::setsockopt(
            socket.as_raw_fd(),
            level,
            name,
            ptr::from_ref(&value).cast::<c_void>(),
            size_of::<c_int>() as socklen_t,
        )
    };
    if result == 0 {
        Ok(())
    } else {
        Err(io::Error::last_os_error())
    }
}

/// Space for control messages, aligned as `cmsghdr` wants it.
#[repr(C, align(8))]
#[derive(Clone, Copy)]
struct Control([u8; CONTROL_BYTES]);

impl Control {
    const EMPTY: Self = Self([0; CONTROL_BYTES]);
}

const EMPTY_VECTOR: iovec = iovec {
    iov_base: ptr::null_mut(),
    iov_len: 0,
};

fn empty_header() -> mmsghdr {
    // SAFETY: all fields of this C struct are integers and pointers, for which zero is valid.
    unsafe { mem::zeroed() }
}

/// The buffers of `recvmmsg`.
pub(super) struct Receiver {
    buffers: Vec<BytesMut>,
    names: Vec<MaybeUninit<sockaddr_storage>>,
    controls: Vec<Control>,
}

impl Receiver {
    pub(super) fn new(batch: usize) -> Self {
        Self {
            buffers: vec![BytesMut::new(); batch],
            names: vec![MaybeUninit::zeroed(); batch],
            controls: vec![Control::EMPTY; batch],
        }
    }

    /// Takes what the socket holds, at most one batch; returns how many datagrams.
    pub(super) fn receive(
        &mut self,
        socket: &mut Socket,
        counters: &mut SocketCounters,
        mut take: impl FnMut(Received),
    ) -> io::Result<usize> {
        let mut headers = [empty_header(); super::BATCH];
        let mut vectors = [EMPTY_VECTOR; super::BATCH];
        let count = self.prepare(&mut headers, &mut vectors);
        counters.receive_calls += 1;
        // SAFETY: each header points to an address, a vector and a control buffer that live in
        // `self` or on this stack and are touched by nobody else until the call returns; each
        // vector points to SLOT_BYTES of spare capacity of its own buffer.
        let received = unsafe {
            libc::recvmmsg(
                socket.fd(),
                headers.as_mut_ptr(),
                count as c_uint,
                libc::MSG_DONTWAIT as _,
                ptr::null_mut(),
            )
        };
        if received < 0 {
            return none_if_harmless(io::Error::last_os_error());
        }
        let received = received as usize;
        counters.received += received as u64;
        let filled = headers[..received].iter().zip(&mut self.buffers);
        for ((header, buffer), name) in filled.zip(&self.names) {
            let length = (header.msg_len as usize).min(SLOT_BYTES);
            // SAFETY: the kernel has written this many bytes to the start of this buffer's spare
            // capacity, and the buffer was empty.
            unsafe { buffer.set_len(length) };
            let bytes = buffer.split();
            // SAFETY: the kernel has written the address, and zero is a valid content for it.
            let name = unsafe { name.assume_init_ref() };
            // SAFETY: the kernel has filled this header, and its buffers are still there.
            let ancillary = unsafe { Ancillary::read(&header.msg_hdr) };
            if let Some(overflows) = ancillary.overflows {
                counters.receive_overflows += u64::from(overflows.wrapping_sub(socket.overflows));
                socket.overflows = overflows;
            }
            let Some(remote) = address_of(name) else {
                continue;
            };
            let (local, ecn) = (ancillary.local, ancillary.ecn);
            // Longer than any QUIC packet that we allow: what is left of it means nothing, and
            // the edge counts an empty one as malformed.
            let cut = header.msg_hdr.msg_flags & libc::MSG_TRUNC != 0;
            let bytes = if cut { BytesMut::new() } else { bytes };
            take(Received {
                local,
                remote,
                ecn,
                bytes,
            });
        }
        Ok(received)
    }

    /// Points the headers to buffers with room; returns how many.
    fn prepare(&mut self, headers: &mut [mmsghdr], vectors: &mut [iovec]) -> usize {
        let slots = self.buffers.iter_mut().zip(&mut self.names);
        let slots = slots.zip(&mut self.controls);
        let mut count = 0;
        for (((buffer, name), control), (header, vector)) in
            slots.zip(headers.iter_mut().zip(vectors))
        {
            if buffer.capacity() < SLOT_BYTES {
                buffer.reserve(ALLOCATION_BYTES);
            }
            vector.iov_base = buffer.spare_capacity_mut().as_mut_ptr().cast();
            vector.iov_len = SLOT_BYTES;
            let header = &mut header.msg_hdr;
            header.msg_name = name.as_mut_ptr().cast();
            header.msg_namelen = size_of::<sockaddr_storage>() as socklen_t;
            header.msg_iov = ptr::from_mut(vector);
            header.msg_iovlen = 1;
            header.msg_control = control.0.as_mut_ptr().cast();
            header.msg_controllen = CONTROL_BYTES as _;
            count += 1;
        }
        count
    }
}

/// Errors that say nothing about the socket itself, for which the next turn comes soon enough.
fn none_if_harmless(error: io::Error) -> io::Result<usize> {
    match error.raw_os_error() {
        // The last is an ICMP answer to something sent earlier.
        Some(libc::EAGAIN | libc::EINTR | libc::ENOMEM | libc::ENOBUFS | libc::ECONNREFUSED) => {
            Ok(0)
        }
        _ => Err(error),
    }
}

#[derive(Default)]
struct Ancillary {
    local: Option<IpAddr>,
    ecn: Option<EcnCodepoint>,
    overflows: Option<u32>,
}

impl Ancillary {
    /// Reads the control messages of a header.
    ///
    /// # Safety
    /// The kernel must have filled the header, and the control buffer that it points to must
    /// still be there.
    unsafe fn read(header: &msghdr) -> Self {
        let mut this = Self::default();
        // SAFETY: the caller says that `msg_control` and `msg_controllen` describe what the
        // kernel has written; the CMSG functions stay within it, and each type of message has
        // the content that is read from it unaligned.
        unsafe {
            let mut message: *const cmsghdr = libc::CMSG_FIRSTHDR(header);
            while !message.is_null() {
                let data = libc::CMSG_DATA(message);
                match ((*message).cmsg_level, (*message).cmsg_type) {
                    (libc::IPPROTO_IP, libc::IP_PKTINFO) => {
                        let info = ptr::read_unaligned(data.cast::<libc::in_pktinfo>());
                        let address = Ipv4Addr::from(info.ipi_addr.s_addr.to_ne_bytes());
                        this.local = Some(IpAddr::V4(address));
                    }
                    (libc::IPPROTO_IPV6, libc::IPV6_PKTINFO) => {
                        let info = ptr::read_unaligned(data.cast::<libc::in6_pktinfo>());
                        this.local = Some(IpAddr::V6(Ipv6Addr::from(info.ipi6_addr.s6_addr)));
                    }
                    (libc::IPPROTO_IP, libc::IP_TOS) => {
                        this.ecn = EcnCodepoint::from_bits(*data);
                    }
                    (libc::IPPROTO_IPV6, libc::IPV6_TCLASS) => {
                        let class = ptr::read_unaligned(data.cast::<c_int>());
                        this.ecn = EcnCodepoint::from_bits(class as u8);
                    }
                    (libc::SOL_SOCKET, libc::SO_RXQ_OVFL) => {
                        this.overflows = Some(ptr::read_unaligned(data.cast::<u32>()));
                    }
                    _ => {}
                }
                message = libc::CMSG_NXTHDR(header, message);
            }
        }
        this
    }
}

fn address_of(name: &sockaddr_storage) -> Option<SocketAddr> {
    match c_int::from(name.ss_family) {
        libc::AF_INET => {
            // SAFETY: the family says that this storage holds a sockaddr_in, which is smaller
            // and no more aligned.
            let name = unsafe { &*ptr::from_ref(name).cast::<libc::sockaddr_in>() };
            let ip = Ipv4Addr::from(name.sin_addr.s_addr.to_ne_bytes());
            Some(SocketAddrV4::new(ip, u16::from_be(name.sin_port)).into())
        }
        libc::AF_INET6 => {
            // SAFETY: as above, with sockaddr_in6.
            let name = unsafe { &*ptr::from_ref(name).cast::<libc::sockaddr_in6>() };
            let ip = Ipv6Addr::from(name.sin6_addr.s6_addr);
            // A link-local address means nothing without its scope.
            let (port, scope) = (u16::from_be(name.sin6_port), name.sin6_scope_id);
            Some(SocketAddrV6::new(ip, port, 0, scope).into())
        }
        _ => None,
    }
}

/// One `sendmmsg`; returns how many of the messages the kernel took.
pub(super) fn send(
    socket: &Socket,
    batch: &TransmitBatch,
    messages: &[Message],
    counters: &mut SocketCounters,
) -> io::Result<usize> {
    let mut headers = [empty_header(); super::BATCH];
    let mut vectors = [EMPTY_VECTOR; super::BATCH];
    let mut controls = [Control::EMPTY; super::BATCH];
    let mut names: [Option<SockAddr>; super::BATCH] = [const { None }; super::BATCH];
    let count = messages.len().min(super::BATCH);
    for (i, message) in messages[..count].iter().enumerate() {
        let outgoing = &batch.entries()[message.entry];
        let payload = &outgoing.bytes[message.start..message.end];
        // The kernel only reads through this pointer.
        vectors[i].iov_base = payload.as_ptr().cast_mut().cast();
        vectors[i].iov_len = payload.len();
        let name = names[i].insert(SockAddr::from(outgoing.remote));
        let header = &mut headers[i].msg_hdr;
        header.msg_name = name.as_ptr().cast_mut().cast();
        header.msg_namelen = name.len();
        header.msg_iov = &raw mut vectors[i];
        header.msg_iovlen = 1;
        let segment = outgoing
            .segment_bytes
            .filter(|&segment| segment < payload.len());
        write_control(
            header,
            &mut controls[i],
            outgoing.local,
            outgoing.ecn,
            segment,
        );
    }
    counters.send_calls += 1;
    // SAFETY: each header points to a name, a vector and a control buffer on this stack, and
    // each vector into the batch, none of which changes before the call returns. The kernel
    // writes nothing but `msg_len` of the headers.
    let sent = unsafe {
        libc::sendmmsg(
            socket.fd(),
            headers.as_mut_ptr(),
            count as c_uint,
            libc::MSG_DONTWAIT as _,
        )
    };
    if sent < 0 {
        Err(io::Error::last_os_error())
    } else {
        Ok(sent as usize)
    }
}

/// Writes the control messages of one datagram and links them to its header.
fn write_control(
    header: &mut msghdr,
    control: &mut Control,
    local: Option<IpAddr>,
    ecn: Option<EcnCodepoint>,
    segment: Option<usize>,
) {
    header.msg_control = control.0.as_mut_ptr().cast();
    header.msg_controllen = CONTROL_BYTES as _;
    let mut used = 0;
    // SAFETY: CONTROL_BYTES has room for one message of each of the three kinds below, and the
    // pointers come from a header that describes this very buffer, which is zeroed: what
    // CMSG_NXTHDR reads of the next message is a length of zero.
    unsafe {
        let mut next: *mut cmsghdr = libc::CMSG_FIRSTHDR(header);
        if let Some(ecn) = ecn {
            let (level, kind) = match header.msg_namelen as usize {
                n if n == size_of::<libc::sockaddr_in>() => (libc::IPPROTO_IP, libc::IP_TOS),
                _ => (libc::IPPROTO_IPV6, libc::IPV6_TCLASS),
            };
            next = put(header, next, level, kind, ecn as c_int, &mut used);
        }
        match local.filter(|local| !local.is_unspecified()) {
            Some(IpAddr::V4(local)) => {
                let mut info: libc::in_pktinfo = mem::zeroed();
                info.ipi_spec_dst.s_addr = u32::from_ne_bytes(local.octets());
                next = put(
                    header,
                    next,
                    libc::IPPROTO_IP,
                    libc::IP_PKTINFO,
                    info,
                    &mut used,
                );
            }
            Some(IpAddr::V6(local)) => {
                let mut info: libc::in6_pktinfo = mem::zeroed();
                info.ipi6_addr.s6_addr = local.octets();
                next = put(
                    header,
                    next,
                    libc::IPPROTO_IPV6,
                    libc::IPV6_PKTINFO,
                    info,
                    &mut used,
                );
            }
            None => {}
        }
        if let Some(segment) = segment {
            let segment = segment as u16;
            put(
                header,
                next,
                libc::SOL_UDP,
                libc::UDP_SEGMENT,
                segment,
                &mut used,
            );
        }
    }
    header.msg_controllen = used as _;
    if used == 0 {
        header.msg_control = ptr::null_mut();
    }
}

/// Writes one control message at `place` and returns the place of the next one.
///
/// # Safety
/// `place` must come from CMSG_FIRSTHDR or CMSG_NXTHDR of `header`, whose control buffer must
/// have room for the message.
unsafe fn put<T: Copy>(
    header: &msghdr,
    place: *mut cmsghdr,
    level: c_int,
    kind: c_int,
    value: T,
    used: &mut usize,
) -> *mut cmsghdr {
    assert!(
        !place.is_null(),
        "CONTROL_BYTES has room for all our control messages"
    );
    // SAFETY: the caller vouches for `place` and for the room behind it.
    unsafe {
        (*place).cmsg_level = level;
        (*place).cmsg_type = kind;
        (*place).cmsg_len = libc::CMSG_LEN(size_of::<T>() as c_uint) as _;
        ptr::write_unaligned(libc::CMSG_DATA(place).cast::<T>(), value);
        *used += libc::CMSG_SPACE(size_of::<T>() as c_uint) as usize;
        libc::CMSG_NXTHDR(header, place)
    }
}
