# Draws what `bench --data FILE` wrote, into a folder:
#   gnuplot -e "data='FILE'; out='FOLDER'" benchmarks/plots/plots.gp
# Bars from the best to the worst of each work; Drover's orange, its peers' grey, what is bare light.
if (!exists("data") || !exists("out")) exit error "set data and out"

grey = 0x8c96a3
light = 0xc9d1da
orange = 0xe8720c
colour(kind) = kind eq "drover" ? orange : kind eq "bare" ? light : grey

# Lines "contender TAB kind TAB figure" of one work in one placement, the best at the end. A figure
# of 0 was not measured.
rows(placement, work, column, order) = sprintf( \
  "< awk -F'\\t' -v OFS='\\t' '$1==\"%s\" && $2==\"%s\" && $%d>0 {print $4, $3, $%d}' '%s' | sort -t\"$(printf '\\t')\" -k3,3g%s", \
  placement, work, column, column, data, order)
less_is_better = "r"
more_is_better = ""
p50 = 5; kcalls = 7; kib = 8

set datafile separator "\t"
set style fill solid 1.0 noborder
set border 0
set tics scale 0
set ytics font ",12"
unset xtics
unset key
set lmargin 24
set rmargin 9
set tmargin 4
set bmargin 1
text(value) = value < 10 ? sprintf("%.2f", value) : value < 100 ? sprintf("%.1f", value) : sprintf("%.0f", value)

# One panel: a bar for each row, its figure at the end, on a logarithmic axis, which begins at a third
# of the least. Empty where there is no row.
panel = 'source = rows(placement, work, column, order); \
  count = int(system(substr(source, 3, strlen(source)) . " | wc -l")); \
  if (count > 0) { \
    unset logscale; set autoscale; \
    stats source using 3 nooutput; \
    low = STATS_min / 3; \
    set logscale x; \
    set xrange [low:STATS_max * 2]; \
    set yrange [-0.7:count - 0.3]; \
    set title title font ",15" offset 0,-0.4; \
    plot source using (low):0:(low):3:($0-0.38):($0+0.38):(colour(strcol(2))):ytic(1) \
           with boxxyerror lc rgb variable, \
         "" using 3:0:(text($3)) with labels left offset 0.6,0 font ",12" \
  } else { \
    set multiplot next \
  }'

page = 'set terminal svg size 1180, height font "Helvetica,12" noenhanced background rgb "white"; \
  set output sprintf("%s/%s.svg", out, file); \
  set multiplot layout 1,2 title heading font ",19"'

label(placement) = placement eq "two CPUs" ? "two CPUs" : "both pinned to one CPU"

# A page with a panel for each placement.
both = 'do for [i = 1:2] { \
    placement = i == 1 ? "two CPUs" : "one CPU"; \
    title = label(placement); \
    eval panel \
  }; \
  unset multiplot; unset output'

file = "null"; height = 470; heading = "Blocking null call: microseconds, less is better (logarithmic)"
work = "null"; column = p50; order = less_is_better
eval page; eval both

file = "in-flight"; height = 430
heading = "128 calls in flight on one connection: thousand calls a second, more is better (logarithmic)"
work = "in-flight"; column = kcalls; order = more_is_better
eval page; eval both

file = "one-way"; height = 330
heading = "Calls without an answer: thousand calls a second, more is better (logarithmic)"
work = "one-way"; column = kcalls; order = more_is_better
eval page; eval both

file = "threads"; height = 430
heading = "8 threads, a connection each: thousand calls a second, more is better (logarithmic)"
work = "threads"; column = kcalls; order = more_is_better
eval page; eval both

file = "echo"; height = 500; heading = "Echo across two CPUs: microseconds, less is better (logarithmic)"
eval page
placement = "two CPUs"; column = p50; order = less_is_better
title = "64 KiB"; work = "echo-64k"; eval panel
title = "1 MiB"; work = "echo-1m"; eval panel
unset multiplot; unset output

file = "connections"; height = 450; heading = "Connections: less is better (logarithmic)"
eval page
placement = "two CPUs"; order = less_is_better
title = "connect and first call, microseconds"; work = "connect"; column = p50; eval panel
title = "an idle connection in the server, KiB"; work = "idle"; column = kib; eval panel
unset multiplot; unset output
