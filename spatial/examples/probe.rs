use orrery_spatial::{CellIndex, Path};
fn main() {
    let n: usize = std::env::args().nth(1).unwrap().parse().unwrap();
    let vis: f64 = std::env::args().nth(2).unwrap().parse().unwrap();
    let r = 1_500_000u32;
    let half = ((n as f64 * std::f64::consts::PI * (r as f64).powi(2) / vis).sqrt() / 2.0) as i64;
    let mut s = 12345u64;
    let mut rnd = move |range: i64| {
        s ^= s << 13;
        s ^= s >> 7;
        s ^= s << 17;
        ((s >> 11) % (2 * range as u64)) as i64 - range
    };
    let x: Vec<i32> = (0..n).map(|_| rnd(half) as i32).collect();
    let y: Vec<i32> = (0..n).map(|_| rnd(half) as i32).collect();
    let z: Vec<i32> = (0..n).map(|_| rnd(100_000) as i32).collect();
    let obs: Vec<usize> = (0..2000)
        .map(|_| (rnd(n as i64 / 2) + n as i64 / 2) as usize)
        .collect();
    let k: usize = std::env::args().nth(4).map_or(2000, |a| a.parse().unwrap());
    let obs: Vec<usize> = (0..2000).map(|i| obs[i % k]).collect();
    let cell: u32 = std::env::args().nth(3).map_or(r, |a| a.parse().unwrap());
    let mut ix = CellIndex::with_path(cell, Path::detect());
    ix.rebuild(&x, &y, &z);
    let mut out = Vec::new();
    let mut total = 0;
    let t = std::time::Instant::now();
    for _ in 0..1000 {
        for &o in &obs {
            out.clear();
            ix.scan([x[o], y[o], z[o]], r, &mut out);
            total += std::hint::black_box(&out).len();
        }
    }
    println!(
        "{:.1} ns, {:.1} visible",
        t.elapsed().as_nanos() as f64 / 2e6,
        total as f64 / 2e6
    );
}
