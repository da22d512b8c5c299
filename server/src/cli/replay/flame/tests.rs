use super::*;

fn root(stacks: &[(&[&str], u64)]) -> Call {
    let mut root = Call::default();
    for (stack, samples) in stacks {
        root.add(stack.iter().map(|&name| name.to_owned()), *samples);
    }
    root
}

#[test]
fn calls_are_as_wide_as_their_share() {
    let root = root(&[(&["main", "step"], 3), (&["main", "read"], 1)]);
    assert_eq!((root.samples, root.depth()), (4, 3));
    let svg = draw(&root);
    assert!(svg.contains("step: 75.00 %, 3 samples"), "{svg}");
    assert!(
        svg.contains("width=\"900.0\"") && svg.contains("width=\"300.0\""),
        "{svg}"
    );
}

#[test]
fn names_are_escaped() {
    let svg = draw(&root(&[(&["Vec<&T>::push"], 1)]));
    assert!(svg.contains("Vec&lt;&amp;T&gt;::push: 100.00 %"), "{svg}");
}
