/**
 * Several recordings that run side by side; one of them is heard.
 *
 * All sources are started by one clock at one moment and from one place, so they stay together
 * sample by sample, loops too. To turn to another one moves two gains, smoothly: nothing is
 * started or stopped by it.
 */

const SWITCH = 0.008; // s: time constant of a switch; 99 % after five of them, and no click
const LEAD = 0.03; // s from pressing play until all sources start
const FADE = 0.006; // s: time constant of starting and pausing

class Deck {
  /**
   * @param {BaseAudioContext} context
   * @param {AudioBuffer[]} buffers of one length and rate
   * @param {{loops?: boolean, onEnd?: () => void}} [how]
   */
  constructor(context, buffers, { loops = true, onEnd = () => {} } = {}) {
    this.context = context;
    this.buffers = buffers;
    this.loops = loops;
    this.onEnd = onEnd;
    this.length = buffers.length ? Math.min(...buffers.map((buffer) => buffer.duration)) : 0;
    this.heard = 0;
    this.place = 0; // s in the music, while nothing runs
    this.quiet = 0; // time of the context from which nothing of before is heard
    this.began = 0; // time of the context at which the music's beginning would have been
    /** @type {AudioBufferSourceNode[]} */
    this.sources = [];
    this.master = context.createGain();
    this.master.gain.value = 0;
    this.master.connect(context.destination);
    this.gains = buffers.map((_, i) => {
      const gain = context.createGain();
      gain.gain.value = i === this.heard ? 1 : 0;
      gain.connect(this.master);
      return gain;
    });
  }

  get runs() {
    return this.sources.length > 0;
  }

  /** Where the music is, in seconds. */
  get position() {
    if (!this.runs) return this.place;
    const at = Math.max(this.context.currentTime - this.began, 0);
    return this.loops ? at % this.length : Math.min(at, this.length);
  }

  play() {
    if (this.runs || !this.length) return;
    if (!this.loops && this.place >= this.length - 0.01) this.place = 0;
    const at = Math.max(this.context.currentTime + LEAD, this.quiet);
    const from = this.place;
    this.began = at - from;
    this.sources = this.buffers.map((buffer, i) => {
      const source = this.context.createBufferSource();
      source.buffer = buffer;
      source.loop = this.loops;
      source.loopEnd = this.length;
      source.connect(this.gains[i]);
      source.start(at, from);
      return source;
    });
    const [last] = this.sources;
    last.onended = () => {
      if (this.sources[0] !== last) return; // paused, or begun anew since
      this.stop(0);
      this.onEnd();
    };
    this.master.gain.setTargetAtTime(1, at, FADE);
  }

  pause() {
    if (this.runs) this.stop(this.position);
  }

  /** @param {number} place */
  stop(place) {
    this.place = place;
    const now = this.context.currentTime;
    this.master.gain.cancelScheduledValues(now);
    this.master.gain.setTargetAtTime(0, now, FADE);
    if (this.runs) this.quiet = now + 8 * FADE;
    for (const source of this.sources) source.stop(this.quiet);
    this.sources = [];
  }

  /** @param {number} place */
  seek(place) {
    const to = Math.min(Math.max(place, 0), Math.max(this.length - 0.01, 0));
    const runs = this.runs;
    if (runs) this.stop(to);
    this.place = to;
    if (runs) this.play();
  }

  /** Hear another one, from where the music is. @param {number} i */
  hear(i) {
    if (i === this.heard) return;
    const now = this.context.currentTime;
    this.gains[this.heard].gain.setTargetAtTime(0, now, SWITCH);
    this.gains[i].gain.setTargetAtTime(1, now, SWITCH);
    this.heard = i;
  }

  close() {
    this.stop(0);
    this.buffers = [];
    const quiet = () => this.master.disconnect();
    setTimeout(quiet, 200);
  }
}

/**
 * Samples as the kernel sends them: 16 bit, two channels interleaved, little-endian.
 * @param {BaseAudioContext} context @param {DataView} data @param {number} rate
 */
function bufferOf(context, data, rate) {
  const frames = Math.max(Math.floor(data.byteLength / 4), 1);
  const buffer = context.createBuffer(2, frames, rate);
  const [left, right] = [buffer.getChannelData(0), buffer.getChannelData(1)];
  for (let i = 0; i * 4 + 3 < data.byteLength; i += 1) {
    left[i] = data.getInt16(i * 4, true) / 32768;
    right[i] = data.getInt16(i * 4 + 2, true) / 32768;
  }
  return buffer;
}
