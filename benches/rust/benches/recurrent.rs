//! Steps of recurrent layers: all steps of one tile of rows, forward, by units and rows; throughput in multiply-adds.

use std::time::Duration;

use criterion::{BenchmarkId, Criterion, Throughput, criterion_group, criterion_main};
use dlrs_kernels::isa::Isa;
use dlrs_kernels::mem::TileMut;
use dlrs_kernels::recurrent::{LstmForward, Run, Weights};

const TIME: usize = 16;

fn lstm(c: &mut Criterion) {
    let isa = Isa::current();
    let mut group = c.benchmark_group("lstm");
    group.sample_size(20).warm_up_time(Duration::from_millis(100)).measurement_time(Duration::from_millis(500));
    for (units, rows) in [32, 128, 256, 512].into_iter().flat_map(|units| [1, 8, 32].map(|rows| (units, rows))) {
        let run = Run { rows, time: TIME, units, reverse: false };
        let layout = LstmForward::<f32>::weights();
        let weights = vec![0.01; units * 4 * units];
        let mut panels = vec![0.0; layout.len::<f32>(isa, units)];
        layout.pack(isa, units, &weights, &mut panels);
        let z = vec![0.1; rows * TIME * 4 * units];
        let first = vec![0.0; rows * units];
        let mut gates = z.clone();
        let (mut sequence, mut cells) = (vec![0.0; rows * TIME * units], vec![0.0; rows * TIME * units]);
        let (mut last_h, mut last_c) = (first.clone(), first.clone());
        let mut scratch = vec![0.0; LstmForward::<f32>::scratch_len(&run)];
        group.throughput(Throughput::Elements((rows * TIME * 4 * units * units) as u64));
        group.bench_function(BenchmarkId::new("forward", format!("{units}x{rows}")), |b| {
            b.iter(|| {
                let forward = LstmForward {
                    run,
                    z: Some(&z),
                    h0: &first,
                    c0: &first,
                    panels: Weights::Packed(&panels),
                    mask: None,
                    sequence: TileMut::new(&mut sequence, rows * TIME, units, units),
                    last_h: TileMut::new(&mut last_h, rows, units, units),
                    last_c: TileMut::new(&mut last_c, rows, units, units),
                    gates: TileMut::new(&mut gates, rows * TIME * 4, units, units),
                    cells: TileMut::new(&mut cells, rows * TIME, units, units),
                };
                forward.run(isa, &mut scratch, &|| false);
            });
        });
    }
}

criterion_group!(recurrent, lstm);
criterion_main!(recurrent);
