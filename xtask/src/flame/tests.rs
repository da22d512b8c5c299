use super::draw;

const SCRIPT: &str = "\
orrery 4242/4243 1000.000001: cpu-clock:
\t    55d0c0de1000 orrery_game::motion::step+0x10 (/opt/orrery/orrery)
\t    55d0c0de2000 orrery_kernel::grid::Grid<R>::step+0x20 (/opt/orrery/orrery)
\t    55d0c0de3000 main+0x30 (/opt/orrery/orrery)

orrery 4242/4243 1000.010001: cpu-clock:
\t    55d0c0de2000 orrery_kernel::grid::Grid<R>::step+0x20 (/opt/orrery/orrery)
\t    55d0c0de3000 main+0x30 (/opt/orrery/orrery)

";

fn folder(name: &str) -> std::path::PathBuf {
    let folder = std::env::temp_dir().join(format!("orrery-xtask-{name}-{}", std::process::id()));
    std::fs::create_dir_all(&folder).expect("a temporary folder");
    folder
}

#[test]
fn draws_every_function_of_the_samples() {
    let folder = folder("flame");
    let (script, svg) = (folder.join("perf.script"), folder.join("out.svg"));
    std::fs::write(&script, SCRIPT).unwrap();
    draw(&script, &svg).unwrap();
    let drawn = std::fs::read_to_string(&svg).unwrap();
    assert!(drawn.contains("orrery_game::motion::step (1 samples"));
    assert!(drawn.contains("main (2 samples"));
    std::fs::remove_dir_all(folder).unwrap();
}

#[test]
fn an_empty_script_is_an_error_that_says_so() {
    let folder = folder("empty");
    let script = folder.join("perf.script");
    std::fs::write(&script, "").unwrap();
    let error = draw(&script, &folder.join("out.svg")).unwrap_err();
    assert!(error.to_string().contains("holds no sample"), "{error}");
    std::fs::remove_dir_all(folder).unwrap();
}
