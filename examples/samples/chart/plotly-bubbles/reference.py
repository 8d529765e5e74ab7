import plotly.graph_objects as go

countries = {
    'Arland': (9.1, 64, 12, '#1f77b4'),
    'Borduria': (14.8, 69, 34, '#ff7f0e'),
    'Cascadia': (38.2, 79, 58, '#2ca02c'),
    'Drakia': (5.4, 58, 22, '#d62728'),
    'Elbonia': (22.6, 73, 80, '#9467bd'),
    'Freedonia': (46.9, 82, 27, '#8c564b'),
}

fig = go.Figure()
for name, (income, life, people, color) in countries.items():
    fig.add_trace(go.Scatter(
        x=[income], y=[life], mode='markers+text', name=name, text=[name], textposition='top center',
        marker=dict(size=people, color=color, opacity=0.7, line=dict(width=2, color='white')),
    ))
fig.update_layout(
    title=dict(text='Income and Life Expectancy', x=0.5),
    xaxis=dict(title='Income per person (k$)', range=[0, 55]),
    yaxis=dict(title='Life expectancy (years)', range=[52, 90]),
    showlegend=False,
    width=850,
    height=550,
)
fig.write_image('bubbles.png')
