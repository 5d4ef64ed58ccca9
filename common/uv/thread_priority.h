// A thread that steps back for the others of the process: what waits for nobody in particular, or
// for people, makes room for what miners wait for.
//
// Thread: any; it speaks of the caller's own.
#pragma once

namespace uv {

// By so much nicer, where there is room for that (nice(2)): at 10 a tenth of a core's time remains
// beside a thread that would take it all. And in short slices, so that a thread that wakes up waits
// for at most 100 us: Linux takes these from 6.12 on; before, whoever wakes up takes the core from
// a nicer thread at once. Where this can't be had, work goes on as it is.
void lower_thread_priority(int nicer_by);

}  // namespace uv
