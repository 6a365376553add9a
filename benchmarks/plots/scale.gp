# Draws what `bench --scale FILE` wrote, into a folder:
#   gnuplot -e "data='FILE'; out='FOLDER'" benchmarks/plots/scale.gp
if (!exists("data") || !exists("out")) exit error "set data and out"

grey = 0x8c96a3
light = 0xc9d1da
orange = 0xe8720c
blue = 0x2f6f9f
green = 0x3c8d5a
purple = 0x8a5a9e

# The lines of one kind, without their first field.
rows(what) = sprintf("< awk -F'\\t' -v OFS='\\t' '$1==\"%s\" {print $2, $3, $4}' '%s'", what, data)

set datafile separator "\t"
set terminal svg size 1180, 430 font "Helvetica,12" noenhanced background rgb "white"
set output sprintf("%s/scale.svg", out)
set multiplot layout 1,3 title "Scale: less is better" font ",19"
set border 3 lc rgb grey
set tics nomirror
set grid ytics lc rgb light
set key bottom left reverse Left samplen 2 spacing 1.2

set title "blocking null call, us" font ",15"
set logscale x
set xrange [0.7:14000]
set yrange [0:*]
set xtics ("1" 1, "10" 10, "100" 100, "1,000" 1000, "10,000" 10000)
plot rows("connections") using 1:3 with lines lw 2 dt 2 lc rgb grey title "alone, in the same seconds", \
     rows("connections") using 1:2 with linespoints lw 2 pt 7 ps 0.6 lc rgb orange title "beside idle connections", \
     rows("object") using 1:2 with linespoints lw 2 pt 7 ps 0.6 lc rgb blue title "of one among objects", \
     rows("objects") using 1:2 with linespoints lw 2 pt 7 ps 0.6 lc rgb green title "of all objects in turn", \
     rows("workers") using 1:2 with linespoints lw 2 pt 7 ps 0.6 lc rgb purple title "to one among workers"

set title "until all workers of a fleet have answered, s" font ",15"
unset key
set logscale xy
set xrange [0.7:1400]
set yrange [*:*]
plot rows("fleet") using 1:2 with linespoints lw 2 pt 7 ps 0.6 lc rgb orange

set title "null call in an accept storm, us" font ",15"
set key top left
unset logscale x
set xrange [-0.6:2.6]
set yrange [1:*]
set xtics auto
set style fill solid 1.0 noborder
set boxwidth 0.35
plot rows("storm") using ($0-0.19):2:xtic(1) with boxes lc rgb orange title "p50", \
     rows("storm") using ($0+0.19):3 with boxes lc rgb grey title "p99"
unset multiplot
unset output
