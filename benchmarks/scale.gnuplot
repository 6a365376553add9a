# Plots what `bench --scale FILE` wrote: gnuplot -e "data='FILE'; out='scale.svg'" scale.gnuplot
set terminal svg size 720,400 font 'sans,12'
set output out
set logscale x
set yrange [0:*]
set xlabel 'how many'
set ylabel 'a blocking null call, us'
set grid
set key bottom right
plot data using 1:2 with linespoints title 'idle connections', \
     data using 1:3 with linespoints title 'objects, called in turn'
