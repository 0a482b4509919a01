// The atoms of some frames as balls and sticks on a canvas that can be turned: coordinates as 16-bit integers, and a script of a
// few kilobytes that draws them, far ones first.

import Analysis
import Foundation
import Lattice
import Trajectory

struct Viewer {
  /// Beyond these a page is too large and a browser too slow.
  private static let mostAtoms = 2000
  private static let mostFrames = 40

  let element = """
    <div class="view"><canvas id="view" aria-label="Atoms of the run; drag to turn, wheel to come nearer"></canvas>
    <input id="frame" type="range" min="0" value="0" aria-label="frame"/><div id="time"></div></div>
    """
  let script: String

  /// Nil of too many atoms.
  /// - Throws: `HDF5Error`, `TrajectoryError`, `StructureError`.
  init?(of record: RunRecord) throws {
    guard record.atoms <= Self.mostAtoms else { return nil }
    let first = record.composition.first.system
    let molecules = try Molecules(of: first)
    let frames = try record.shownFrames(Self.mostFrames).map { label, system in
      (label: label, positions: molecules.wrapped(system), corners: Self.corners(system.cell))
    }
    let all = frames.flatMap { $0.positions + $0.corners }
    let (low, high) = all.reduce((all[0], all[0])) { (pointwiseMin($0.0, $1), pointwiseMax($0.1, $1)) }
    let center = (low + high) / 2
    let reach = max(1, (high - low).max() / 2)
    // 16 bits: a thousandth of an Angstrom in a cell of 30.
    var bytes: [UInt8] = []
    for frame in frames {
      for r in frame.corners + frame.positions {
        for axis in 0..<3 {
          let value = Int16(((r[axis] - center[axis]) / reach * 32767).rounded())
          bytes += [UInt8(truncatingIfNeeded: value), UInt8(truncatingIfNeeded: value >> 8)]
        }
      }
    }
    let kinds = record.composition.elements
    let bonds = try Molecules.bonds(of: first).enumerated().flatMap { i, bonded in
      bonded.filter { $0.atom > i }.map { [i, $0.atom] }
    }
    func list(_ words: [String]) -> String { "[" + words.joined(separator: ",") + "]" }
    let radii = kinds.map { String(format: "%.3f", 0.35 * Elements.covalentRadius($0) + 0.12) }
    var values = ["kinds=" + list(record.composition.elementOfAtom.map(String.init))]
    values.append("colors=" + list(kinds.map { "\"" + Self.color($0) + "\"" }))
    values.append("radii=" + list(radii))
    values.append("bonds=" + list(bonds.map { list($0.map(String.init)) }))
    values.append("labels=" + list(frames.map { "\"\($0.label)\"" }))
    values.append("corners=\(frames[0].corners.count)")
    values.append("reach=" + String(format: "%.3f", reach))
    values.append("data=\"" + Data(bytes).base64EncodedString() + "\"")
    script = "(()=>{const \(values.joined(separator: ",\n"));\n\(Self.drawing)})();"
  }

  /// The eight corners of a periodic cell, none of a free one.
  private static func corners(_ cell: Cell) -> [Vector3] {
    guard cell.hasPeriodicAxis else { return [] }
    let edges = cell.given
    return (0..<8).map { (n: Int) -> Vector3 in
      var corner = Vector3.zero
      for axis in 0..<3 where n >> axis & 1 == 1 { corner += edges[axis] }
      return corner
    }
  }

  /// Colours that chemists know (Corey, Pauling and Koltun, Jmol's for the rest that is common).
  private static func color(_ z: Int) -> String {
    let known = [
      1: "#e8e8e8", 6: "#707070", 7: "#3050f8", 8: "#e8321e", 9: "#70c850", 11: "#ab5cf2", 12: "#5cb800",
      14: "#d8b080",
      15: "#ff8000", 16: "#d8c020", 17: "#1fd01f", 19: "#8f40d4", 20: "#30b030", 26: "#e06633", 29: "#c88033",
      35: "#a62929", 53: "#940094",
    ]
    return known[z] ?? "#c060a0"
  }

  /// Right-handed axes, y upwards, seen from +z. Reports in the page's `data-view` that it has drawn.
  private static let drawing = """
    const raw=atob(data),n=kinds.length,per=corners+n,canvas=document.getElementById("view"),slider=document.getElementById("frame"),
    label=document.getElementById("time"),pen=canvas.getContext("2d");
    const at=(f,i,a)=>{const o=6*(f*per+i)+2*a;let v=raw.charCodeAt(o)|raw.charCodeAt(o+1)<<8;if(v>32767)v-=65536;return v/32767};
    let m=[1,0,0,0,1,0,0,0,1],zoom=1,frame=0;
    const turn=(a,b)=>{const c=Math.cos(a),s=Math.sin(a),d=Math.cos(b),t=Math.sin(b),y=[c,0,s,0,1,0,-s,0,c],x=[1,0,0,0,d,-t,0,t,d];m=mul(x,mul(y,m))};
    const mul=(p,q)=>{const r=[];for(let i=0;i<3;i++)for(let j=0;j<3;j++)r.push(p[3*i]*q[j]+p[3*i+1]*q[3+j]+p[3*i+2]*q[6+j]);return r};
    const draw=()=>{const ratio=devicePixelRatio||1,w=canvas.clientWidth*ratio,h=canvas.clientHeight*ratio;
    if(canvas.width!==w||canvas.height!==h){canvas.width=w;canvas.height=h}
    pen.clearRect(0,0,w,h);const scale=Math.min(w,h)*.31*zoom;
    const place=i=>{const x=at(frame,i,0),y=at(frame,i,1),z=at(frame,i,2);
    return[w/2+scale*(m[0]*x+m[1]*y+m[2]*z),h/2-scale*(m[3]*x+m[4]*y+m[5]*z),m[6]*x+m[7]*y+m[8]*z]};
    const p=[];for(let i=0;i<per;i++)p.push(place(i));
    pen.lineWidth=ratio;pen.strokeStyle="#888";pen.beginPath();
    if(corners)for(let a=0;a<8;a++)for(const b of[1,2,4])if(!(a&b)){pen.moveTo(p[a][0],p[a][1]);pen.lineTo(p[a|b][0],p[a|b][1])}
    pen.stroke();
    const things=[];for(let i=0;i<n;i++)things.push([p[corners+i][2],i,-1]);
    for(const[a,b]of bonds){const u=p[corners+a],v=p[corners+b];things.push([(u[2]+v[2])/2-1e-6,a,b])}
    things.sort((a,b)=>a[0]-b[0]);const size=scale/reach;
    for(const[,a,b]of things){const u=p[corners+a];
    if(b<0){const r=Math.max(1,radii[kinds[a]]*size);pen.beginPath();pen.arc(u[0],u[1],r,0,7);pen.fillStyle=colors[kinds[a]];pen.fill();pen.strokeStyle="#0006";pen.lineWidth=ratio*.6;pen.stroke()}
    else{const v=p[corners+b];pen.beginPath();pen.moveTo(u[0],u[1]);pen.lineTo(v[0],v[1]);pen.strokeStyle="#999";pen.lineWidth=Math.max(1,.14*size);pen.stroke()}}
    label.textContent=labels[frame]+"; drag to turn, wheel to come nearer";document.body.dataset.view="drawn"};
    slider.max=labels.length-1;slider.oninput=()=>{frame=+slider.value;draw()};
    let last=null;canvas.onpointerdown=e=>{last=[e.clientX,e.clientY];canvas.setPointerCapture(e.pointerId)};
    canvas.onpointermove=e=>{if(!last)return;turn((e.clientX-last[0])*.01,(e.clientY-last[1])*.01);last=[e.clientX,e.clientY];draw()};
    canvas.onpointerup=()=>{last=null};
    canvas.addEventListener("wheel",e=>{e.preventDefault();zoom*=Math.exp(-e.deltaY*.001);draw()},{passive:false});
    addEventListener("resize",draw);turn(.5,.35);draw();
    """
}
