# Draws how training scales to several nodes, as tools/bench ranks predicts it, for a slow and a fast
# network: gnuplot tools/ranks.gp >results/ranks.svg
set terminal svg size 1000,470 font 'Helvetica,Arial,sans-serif,15' dynamic background 'white'
set encoding utf8
set multiplot layout 1,2 margins 0.085,0.965,0.17,0.82 spacing 0.06
set border 3 linecolor rgb '#444444'
set tics nomirror out
set grid ytics linetype 1 linewidth 1 linecolor rgb '#e4e4e4'
set logscale x 2
set xrange [1:1024]
set xtics (1, 4, 16, 64, 256, '1,024' 1024)
set yrange [0:100]
set xlabel 'nodes' textcolor rgb '#000000'
set linetype 1 linecolor rgb '#000000' linewidth 6 pointtype 7 pointsize 1
set linetype 2 linecolor rgb '#0072B2' linewidth 4 pointtype 5 pointsize 0.7
set linetype 3 linecolor rgb '#56B4E9' linewidth 2 pointtype 9 pointsize 0.7
set linetype 4 linecolor rgb '#D55E00' linewidth 2 pointtype 13 pointsize 0.8
of(method, gbit) = sprintf("< tools/bench ranks --gbit %d | grep '^%s  *[0-9]' | tr -d %%", gbit, method)
name(i) = i == 1 ? 'AdamW' : i == 2 ? 'Muon' : i == 3 ? 'low-rank Muon' : 'DeMuon on a ring'
do for [gbit in '1 10'] {
  set title gbit.' Gbit/s'
  if (gbit eq '1') {
    set ylabel 'speed, % of linear' offset 0.5
    set key at screen 0.5,0.955 center maxrows 1 samplen 2 width 2
  } else {
    unset ylabel
    unset key
    set format y ''
  }
  plot for [i = 1:4] of(word('adamw muon low-rank-muon demuon', i), gbit + 0) using 2:9 \
    with linespoints linetype i title name(i)
}
